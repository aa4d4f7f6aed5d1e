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
            throw unreadable(errno)
        }
        // SAFETY: the descriptor is ours and closed once.
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: Self.bytesMax)
        // SAFETY: the array has as many bytes as are asked for.
        let count = Glibc.read(file, &bytes, Self.bytesMax)
        guard count >= 0 else { throw unreadable(errno) }
        return Array(bytes[..<count])
    }

    private func unreadable(_ code: Int32) -> VaultError {
        .failed("the counter's mirror \(path) could not be read: \(FileError(path, code).reason)")
    }

    package func write(_ bytes: [UInt8]) throws(VaultError) {
        do throws(FileError) {
            let file = try DraftFile(of: path)
            try file.write(bytes)
            try file.publish(.replacing)
        } catch {
            throw error.isDiskFull ? .diskFull : .failed("the counter's mirror \(path) could not be written: \(error.reason)")
        }
    }
}
