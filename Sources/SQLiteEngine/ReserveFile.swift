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
        guard Disk.freeBytes(at: folder) ?? .max >= missing + Self.byteCount else { throw .diskFull }
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

/// What there is to know of a file's disk.
enum Disk {
    /// What an ordinary process may still write; `nil` where it can't be told.
    static func freeBytes(at path: String) -> Int? {
        var status = statvfs()
        // SAFETY: `status` is a live variable.
        guard statvfs(path, &status) == 0 else { return nil }
        return Int(status.f_bavail) * Int(status.f_frsize)
    }

    /// Whether not even a page fits.
    static func isFull(at path: String) -> Bool {
        freeBytes(at: path).map { $0 < 4096 } ?? false
    }
}
