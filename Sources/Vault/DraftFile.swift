import Glibc

/// A file that appears under its name only when it is whole and durable: until then it is a draft beside it. Mode 0600. A draft that gets no
/// name is removed.
package final class DraftFile: Sendable {
    package let path: String
    /// Where the draft is until it has its name.
    package let draft: String
    private let descriptor: Int32

    package enum Naming: Sendable {
        /// Fails with `isTaken` where something has the name already.
        case new
        case replacing
    }

    /// `ending` tells the drafts of several writers apart. A draft of the same name is of one that died.
    package init(of path: String, ending: String = "new") throws(FileError) {
        self.path = path
        draft = "\(path).\(ending)"
        // SAFETY: the path is a C string for the length of each call; the descriptor is closed in `deinit`.
        unlink(draft)
        descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileError(draft, errno) }
    }

    package func write(_ bytes: borrowing RawSpan) throws(FileError) {
        guard Self.write(bytes, to: descriptor) else { throw FileError(draft, errno) }
    }

    package func write(_ bytes: [UInt8]) throws(FileError) { try write(bytes.span.bytes) }

    /// All of it; false with `errno` set.
    package static func write(_ bytes: borrowing RawSpan, to descriptor: Int32) -> Bool {
        // SAFETY: the span's bytes are valid while the closure runs.
        unsafe bytes.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let count = unsafe Glibc.write(descriptor, bytes.baseAddress.map { unsafe $0 + written }, bytes.count - written)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                written += count
            }
            return true
        }
    }

    /// Makes durable what is in it, then gives it its name, durably as well. Where that fails, a new file is not there.
    package func publish(_ naming: Naming) throws(FileError) {
        // SAFETY: the descriptor is ours and open; the paths are C strings for the length of each call.
        guard fsync(descriptor) == 0 else { throw FileError(draft, errno) }
        switch naming {
        case .replacing: guard rename(draft, path) == 0 else { throw FileError(path, errno) }
        case .new: try giveNewName()
        }
        do { try Folder.sync(ofFile: path) } catch {
            if naming == .new { unlink(path) }
            throw error
        }
    }

    /// Unlike `rename`, `link` does not replace what came there meanwhile.
    private func giveNewName() throws(FileError) {
        // SAFETY: the paths are C strings for the length of each call.
        if link(draft, path) == 0 {
            unlink(draft)
        } else if errno == EEXIST {
            throw FileError(path, errno)
        } else {  // a file system without links, as on most sticks
            guard rename(draft, path) == 0 else { throw FileError(path, errno) }
        }
    }

    deinit {
        // SAFETY: the descriptor is ours and closed once.
        close(descriptor)
        // Nothing happens once it has its name.
        unlink(draft)
    }
}

/// The entry that names a file is durable only with its folder.
package enum Folder {
    /// What a file system answers that does not sync folders is no failure.
    package static func sync(_ folder: String) throws(FileError) {
        // SAFETY: the path is a C string for the length of the call.
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == EACCES { return }
            throw FileError(folder, errno)
        }
        // SAFETY: the descriptor is ours and closed once.
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EBADF else { throw FileError(folder, errno) }
    }

    package static func sync(ofFile path: String) throws(FileError) {
        try sync(path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? ".")
    }
}

/// What the kernel answered about a file.
package struct FileError: Error {
    package let path: String
    private let code: Int32

    /// `code` as in errno(3).
    package init(_ path: String, _ code: Int32) {
        self.path = path
        self.code = code
    }

    /// The disk has no room, or its user's quota no more.
    package var isDiskFull: Bool { code == ENOSPC || code == EDQUOT }
    package var isTaken: Bool { code == EEXIST }
    package var reason: String { String(cString: strerror(code)) }
}

extension VaultError {
    package init(_ error: FileError) {
        self = error.isDiskFull ? .diskFull : .failed("\(error.path): \(error.reason)")
    }
}

extension EngineError {
    package init(_ error: FileError) {
        self = error.isDiskFull ? .diskFull : .failed("\(error.path): \(error.reason)")
    }
}
