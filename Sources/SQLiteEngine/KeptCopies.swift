import Glibc
import Vault

/// The copies of a database that were made before something changed all of it: `vault.db.NAME`, 0600, each a whole vault.
struct KeptCopies {
    private let path: String

    init(of path: String) {
        self.path = path
    }

    /// All names that were ever given.
    private static let names = ["format-1"]

    /// `write` fills an empty file; only a whole, durable copy gets its name.
    func make(named name: String, _ write: (_ draft: String) throws(EngineError) -> Void) throws(EngineError) {
        precondition(Self.names.contains(name), "a copy that would never be removed")
        let draft = "\(path).\(name).new"
        // SAFETY: the paths are C strings for the length of each call; the descriptors are ours and closed once.
        unlink(draft)
        close(try opened(draft, O_WRONLY | O_CREAT | O_EXCL))
        try write(draft)
        let file = try opened(draft, O_RDONLY)
        let isDurable = fsync(file) == 0
        close(file)
        guard isDurable, rename(draft, "\(path).\(name)") == 0 else { throw failure(draft) }
        FolderSync.sync(ofFile: path)
    }

    func remove() throws(EngineError) {
        var isGone = false
        for name in Self.names {
            for file in ["\(path).\(name)", "\(path).\(name).new"] {
                // SAFETY: the path is a C string for the length of the call.
                if unlink(file) == 0 { isGone = true } else if errno != ENOENT { throw failure(file) }
            }
        }
        if isGone { FolderSync.sync(ofFile: path) }
    }

    private func opened(_ file: String, _ flags: CInt) throws(EngineError) -> CInt {
        // SAFETY: the path is a C string for the length of the call.
        let descriptor = open(file, flags | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure(file) }
        return descriptor
    }

    private func failure(_ file: String) -> EngineError {
        errno == ENOSPC ? .diskFull : .failed("\(file): \(String(cString: strerror(errno)))")
    }
}
