import Glibc
import Synchronization
package import Vault

/// One process at a time uses a vault: an exclusive `flock` on the file `lock` in its folder, gone with the process.
package final class FolderLock: Sendable {
    private let file: Mutex<Int32?>

    package init(folder: String) throws(VaultError) {
        let path = "\(folder)/lock"
        let file = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw .failed("\(path): \(String(cString: strerror(errno)))") }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            Glibc.close(file)
            throw .inUse(path: folder)
        }
        self.file = Mutex(file)
    }

    func release() {
        file.withLock { file in
            if let open = file { Glibc.close(open) }
            file = nil
        }
    }

    deinit { release() }
}
