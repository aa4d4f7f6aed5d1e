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
        let copy: DraftFile
        do throws(FileError) { copy = try DraftFile(of: "\(path).\(name)") } catch { throw EngineError(error) }
        try write(copy.draft)
        do throws(FileError) { try copy.publish(.replacing) } catch { throw EngineError(error) }
    }

    func remove() throws(EngineError) {
        var isGone = false
        for name in Self.names {
            for file in ["\(path).\(name)", "\(path).\(name).new"] {
                // SAFETY: the path is a C string for the length of the call.
                if unlink(file) == 0 { isGone = true } else if errno != ENOENT { throw EngineError(FileError(file, errno)) }
            }
        }
        guard isGone else { return }
        do throws(FileError) { try Folder.sync(ofFile: path) } catch { throw EngineError(error) }
    }
}
