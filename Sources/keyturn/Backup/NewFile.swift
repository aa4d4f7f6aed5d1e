import Glibc
import Vault

/// A file that appears under its name only when it is whole and on the disk: until then it is a draft beside it. For its owner only.
final class NewFile: Sendable {
    let path: String
    let draft: String
    private let overwrites: Bool
    private let descriptor: Int32

    init(path: String, overwrites: Bool) throws(Failure) {
        self.path = path
        self.overwrites = overwrites
        draft = "\(path).part-\(getpid())"
        // SAFETY: access(2) takes a C string.
        guard overwrites || access(path, F_OK) != 0 else { throw Self.exists(path) }
        // A draft of a process with the same number that died is in nobody's way.
        unlink(draft)
        // SAFETY: open(2) takes a C string; the descriptor is closed in `deinit`.
        descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.failed(draft) }
    }

    func write(_ bytes: [UInt8]) throws(Failure) {
        guard Self.write(bytes, to: descriptor) else { throw Self.failed(draft) }
    }

    /// False with `errno` set.
    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            // SAFETY: the buffer is valid for its count.
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Makes what was written durable, still as a draft.
    func sync() throws(Failure) {
        // SAFETY: the descriptor is ours and open.
        guard fsync(descriptor) == 0 else { throw Self.failed(draft) }
    }

    /// Gives the draft its name.
    func publish() throws(Failure) {
        if overwrites {
            try moveDraft()
        } else if link(draft, path) == 0 {  // unlike rename, it does not replace what came there meanwhile
            unlink(draft)
        } else if errno == EEXIST {
            throw Self.exists(path)
        } else {  // a file system without links, as on most sticks
            try moveDraft()
        }
        FolderSync.sync(ofFile: path)
    }

    private func moveDraft() throws(Failure) {
        // SAFETY: both paths are C strings for the length of the call.
        guard rename(draft, path) == 0 else { throw Self.failed(path) }
    }

    deinit {
        // SAFETY: the descriptor is ours and closed once.
        close(descriptor)
        // Nothing happens after `publish`: then there is no draft.
        unlink(draft)
    }

    private static func exists(_ path: String) -> Failure {
        .failed("There is a file \(path) already; nothing was overwritten.", nextStep: "choose another name, or say --force")
    }

    private static func failed(_ path: String) -> Failure {
        .failed("\(path) can't be written: \(String(cString: strerror(errno))).")
    }
}
