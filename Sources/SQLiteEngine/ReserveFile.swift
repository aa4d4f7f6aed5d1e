import Glibc
package import Vault

/// The file `reserve` beside the database: blocks that nothing else on the disk can take, given up piece by piece for the last commits.
package final class ReserveFile: Reserve {
    private let path: String
    private let folder: String

    /// About 250 pages of the write-ahead log: the outcomes of some dozens of rotations.
    package static let byteCount = 1 << 20
    /// More than a commit takes; a larger one takes several.
    private static let pieceBytes = byteCount / 8
    private static let statBlock = 512

    package init(folder: String) {
        self.folder = folder
        path = "\(folder)/reserve"
    }

    package func keep() throws(EngineError) {
        let missing = max(0, Self.byteCount - keptBytes)
        guard Disk.hasRoom(for: missing + Self.byteCount, in: folder) else { throw .diskFull }
        if missing == 0 { return }
        // SAFETY: the path is a C string for the length of the call.
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw EngineError(FileError(path, errno)) }
        // SAFETY: the descriptor is ours and closed once.
        defer { close(file) }
        // Written out where the file system can't allocate: a file with holes would keep nothing.
        let code = posix_fallocate(file, 0, off_t(Self.byteCount))
        guard code == 0 else { throw EngineError(FileError(path, code)) }
    }

    private var keptBytes: Int {
        var status = stat()
        // SAFETY: `status` is a live variable.
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return 0 }
        return min(Int(status.st_size), Int(status.st_blocks) * Self.statBlock)
    }

    package func release() -> Bool {
        let rest = keptBytes - Self.pieceBytes
        // SAFETY: the path is a C string for the length of the calls.
        if rest > 0, truncate(path, off_t(rest)) == 0 { return true }
        return unlink(path) == 0
    }
}

/// The disk as the daemon's user finds it: what others have left of it, and what a quota lets this one have.
enum Disk {
    /// `O_TMPFILE` of open(2), a macro that Swift does not see; the number is that of asm-generic/fcntl.h.
    private static let nameless = 0o20_000_000 | O_DIRECTORY

    /// Whether this many bytes can be taken. Free blocks are not counted, since a quota would not show, but taken for a moment, in a file without
    /// a name. True where it can't be told: the next write tells.
    static func hasRoom(for byteCount: Int, in folder: String) -> Bool {
        // SAFETY: the path is a C string for the length of the call.
        let file = open(folder, nameless | O_WRONLY | O_CLOEXEC, 0o600)
        guard file >= 0 else { return !FileError(folder, errno).isDiskFull }
        // SAFETY: the descriptor is ours and closed once.
        defer { close(file) }
        let code = posix_fallocate(file, 0, off_t(byteCount))
        return code == 0 || !FileError(folder, code).isDiskFull
    }
}
