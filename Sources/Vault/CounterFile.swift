import Glibc

/// A mirror in a file beside the vault's folder, or wherever the settings say.
package struct CounterFile: CounterMirror {
    private let path: String
    /// A counter and two hashes have some 200 bytes.
    private static let bytesMax = 4096

    package init(path: String) {
        self.path = path
    }

    package func read() throws(VaultError) -> [UInt8]? {
        // SAFETY: the path is a C string for the length of the call.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("read")
        }
        // SAFETY: the descriptor is ours and closed once.
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: Self.bytesMax)
        // SAFETY: the array has as many bytes as are asked for.
        let count = Glibc.read(file, &bytes, Self.bytesMax)
        guard count >= 0 else { throw failure("read") }
        return Array(bytes[..<count])
    }

    package func write(_ bytes: [UInt8]) throws(VaultError) {
        let draft = "\(path).new"
        // SAFETY: the path is a C string for the length of the call.
        let file = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw failure("written") }
        // SAFETY: the array has as many bytes as are written; the descriptor is ours.
        let isWritten = Glibc.write(file, bytes, bytes.count) == bytes.count && fsync(file) == 0
        let why = errno
        // SAFETY: the descriptor is closed once.
        close(file)
        errno = why
        guard isWritten, rename(draft, path) == 0 else { throw failure("written") }
        FolderSync.sync(ofFile: path)
    }

    private func failure(_ done: String) -> VaultError {
        let why = String(cString: strerror(errno))
        return errno == ENOSPC ? .diskFull : .failed("the counter's mirror \(path) could not be \(done): \(why)")
    }
}
