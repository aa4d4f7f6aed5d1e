import FoundationEssentials
import Glibc
import Vault

/// Files with nothing secret in them.
enum LocalFile {
    /// Sealed boxes and CA bundles; the system's own bundle has 220 KiB.
    static let bytesMax = 1 << 20

    /// The whole content; `-` is standard input.
    static func read(_ path: String) throws(Failure) -> Data {
        let isInput = path == "-"
        // SAFETY: open(2) takes a C string; the descriptor is closed below unless it is standard input's.
        let descriptor = isInput ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .usage("The file '\(path)' can't be read: \(reason(errno)).") }
        // SAFETY: the descriptor is ours and closed once.
        defer { if !isInput { close(descriptor) } }
        var content = Data()
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            // SAFETY: the buffer has as many bytes as are asked for.
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .usage("'\(path)' can't be read: \(reason(errno)).") }
            guard count > 0 else { return content }
            content.append(contentsOf: buffer[..<count])
            guard content.count <= bytesMax else { throw .usage("'\(path)' has more than \(bytesMax) bytes.") }
        }
    }

    /// What a command writes into; `otherwise`: what to do about a file that is there already.
    static func written<Result>(otherwise: String, _ body: () throws(FileError) -> Result) throws(Failure) -> Result {
        do { return try body() } catch {
            guard error.isTaken else { throw .failed("\(error.path) can't be written: \(error.reason).") }
            throw taken(error.path, otherwise)
        }
    }

    static func taken(_ path: String, _ otherwise: String) -> Failure {
        .failed("There is a file \(path) already; nothing was overwritten. \(otherwise)")
    }

    static func isExecutable(_ path: String) -> Bool {
        // SAFETY: access(2) takes a C string.
        access(path, X_OK) == 0
    }

    static func target(ofLink path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        // SAFETY: readlink(2) writes at most so many bytes and no null.
        let count = readlink(path, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }

    static func reason(_ code: CInt) -> String {
        switch code {
        case ENOENT: "there is no such file"
        case EACCES, EPERM: "you may not read it"
        case EISDIR: "it is a directory"
        default: "error \(code)"
        }
    }
}
