import Glibc
package import Secrets

/// The file with the unlock key: exactly 32 raw bytes, for its owner only.
package enum KeyFile {
    package static let byteCount = 32

    /// Reads it. `systemdCredential`: the file was handed over by systemd, whose modes and owner are its own affair.
    package static func read(_ path: String, systemdCredential: Bool) throws(VaultError) -> Secret {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else {
            let error = FileError(path, errno)
            switch errno {
            case ENOENT: throw .noKey("\(path) does not exist")
            // Nothing is wrong with the file: it may be read the next time.
            case EIO, EMFILE, ENFILE, ENOMEM: throw VaultError(error)
            default: throw .badKeyFile(path: path, error.reason)
            }
        }
        defer { Glibc.close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .badKeyFile(path: path, "it is not a regular file")
        }
        if !systemdCredential {
            guard status.st_mode & 0o077 == 0 else { throw .badKeyFile(path: path, "others may read it: chmod 600 \(path)") }
            guard status.st_uid == geteuid() || status.st_uid == 0 else {
                throw .badKeyFile(path: path, "it belongs to another user (uid \(status.st_uid))")
            }
        }
        guard status.st_size == byteCount else { throw .badKeyFile(path: path, "it has \(status.st_size) bytes instead of \(byteCount)") }
        return try Secret(count: byteCount) { (buffer) throws(VaultError) in
            // SAFETY: the buffer has `byteCount` writable bytes.
            guard unsafe Glibc.read(file, buffer.baseAddress, byteCount) == byteCount else {
                throw .badKeyFile(path: path, "it could not be read")
            }
        }
    }

    /// An existing file is used as it is.
    package static func readOrCreate(_ path: String, random: any RandomSource) throws(VaultError) -> Secret {
        do throws(VaultError) {
            let key = try read(path, systemdCredential: false)
            // Who made it may have died before its name was durable: without the key, the vault would be lost.
            do throws(FileError) { try Folder.sync(ofFile: path) } catch { throw VaultError(error) }
            return key
        } catch {
            guard case .noKey = error else { throw error }
            try create(path, random: random)
            return try read(path, systemdCredential: false)
        }
    }

    /// Makes it with fresh random bytes, mode 0600, durable; never touches an existing file. Gets its name when it is whole: half a key would
    /// be in the way of the next try.
    package static func create(_ path: String, random: any RandomSource) throws(VaultError) {
        do throws(FileError) {
            let file = try DraftFile(of: path, ending: "new-\(getpid())")
            try Secret(random: byteCount, from: random).withBytes { (bytes) throws(FileError) in try file.write(bytes) }
            try file.publish(.new)
        } catch {
            throw error.isTaken ? .badKeyFile(path: path, error.reason) : VaultError(error)
        }
    }
}
