import FoundationEssentials
import Glibc

/// The folder in which all of the demo happens.
struct DemoFolder: Sendable {
    let path: String

    /// unix(7): a socket's path has at most 107 bytes.
    private static let pathBytesMax = 107 - "/socket".utf8.count

    init(environment: [String: String]) throws(Failure) {
        let parent = environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        let name = "/keyturn-demo-XXXXXX"
        let fits = parent.hasPrefix("/") && parent.utf8.count + name.utf8.count <= Self.pathBytesMax
        var template = Array(((fits ? parent : "/tmp") + name).utf8CString)
        // SAFETY: the template is null-terminated and written in place; the folder is made with mode 0700.
        guard template.withUnsafeMutableBufferPointer({ mkdtemp($0.baseAddress!) }) != nil else {
            throw .failed(
                "A folder for the demo can't be made: \(LocalFile.reason(errno)). Set TMPDIR to a folder that you may write.")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    var vault: String { path + "/vault" }
    var socket: String { path + "/socket" }
    var log: String { path + "/keyturnd.log" }

    func write(_ name: String, _ content: String) throws(Failure) -> String {
        let file = "\(path)/\(name)"
        do { try Data(content.utf8).write(to: URL(filePath: file)) } catch { throw .failed("'\(file)' can't be written.") }
        return file
    }

    /// The last lines of the daemon's log, for who wants to know why something failed.
    func logTail(lines: Int = 20) -> String {
        let text = (try? Data(contentsOf: URL(filePath: log))).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return text.split(separator: "\n").suffix(lines).map { SafeText.line(String($0)) }.joined(separator: "\n")
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }
}
