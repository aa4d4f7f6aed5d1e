import FoundationEssentials
import Glibc
import KeyturnWire

/// The audit log in a file: one JSON document a line. The first says what the entries follow, the last how many they are and with which they
/// end, and so that the file is whole.
enum AuditExport {
    struct Head: Codable, Equatable {
        /// Of this file format.
        let version: Int
        let after: AuditMark

        enum CodingKeys: String, CodingKey {
            case after
            case version = "keyturn_audit_export"
        }
    }

    struct Foot: Codable, Equatable {
        let entries: Int
        let last: AuditMark
    }

    static let version = 1

    static func line(_ value: some Encodable) -> [UInt8] {
        [UInt8](WireJSON.encode(value)) + [UInt8(ascii: "\n")]
    }
}

/// Reads an export from its first line to its last.
struct AuditExportReader: ~Copyable {
    let head: AuditExport.Head
    private(set) var last: AuditMark
    private(set) var entries = 0
    private let path: String
    private var lines: LineReader
    private var foot: AuditExport.Foot?

    init(_ path: String) throws(Failure) {
        var lines = try LineReader(path)
        guard let line = try lines.next(), let head = Self.decoded(AuditExport.Head.self, line), head.version == AuditExport.version else {
            throw .failed("\(path) is no export of the audit log, or of a later release.")
        }
        self.path = path
        self.head = head
        self.lines = lines
        last = head.after
    }

    var isOver: Bool { foot != nil }

    /// The next entries, as many as fit into `bytes` as JSON; none after the last. A line that is not as it was written is an error, and so is
    /// a file without its last line.
    mutating func next(bytes: Int) throws(Failure) -> [AuditEntry] {
        var page: [AuditEntry] = []
        var room = bytes
        while room > 0, !isOver {
            guard let line = try lines.next() else {
                throw .failed("\(path) is cut off after entry \(last.seq): its last line, which says so, is missing.")
            }
            room -= line.count
            if let entry = Self.decoded(AuditEntry.self, line) {
                page.append(entry)
                entries += 1
                last = entry.mark
            } else if let foot = Self.decoded(AuditExport.Foot.self, line) {
                guard try lines.next() == nil else {
                    throw .failed("\(path) goes on after its last line, line \(lines.number - 1).")
                }
                self.foot = foot
            } else {
                throw .failed("Line \(lines.number) of \(path), after entry \(last.seq), is not as it was exported.")
            }
        }
        return page
    }

    /// After the last entry: that they are those which the last line tells of.
    func requireWhole() throws(Failure) {
        guard let foot, foot != AuditExport.Foot(entries: entries, last: last) else { return }
        throw .failed("\(path) has \(entries) entries up to \(last.seq), and says that there were \(foot.entries) up to \(foot.last.seq).")
    }

    /// `nil` unless it is written byte for byte as it would be again: nothing hides in a field that nobody reads.
    private static func decoded<Value: Codable>(_ type: Value.Type, _ line: [UInt8]) -> Value? {
        guard let value = try? WireJSON.decode(type, from: Data(line)), [UInt8](WireJSON.encode(value)) == line else { return nil }
        return value
    }
}

/// A file's lines, one after the other.
private struct LineReader: ~Copyable {
    private(set) var number = 0
    private let path: String
    private let descriptor: CInt
    private var buffer: [UInt8] = []
    private var start = 0

    private static let lineMax = 64 << 10

    init(_ path: String) throws(Failure) {
        self.path = path
        // SAFETY: open(2) takes a C string; the descriptor is closed at the end of this value.
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .failed("The file '\(path)' can't be read: \(LocalFile.reason(errno)).") }
    }

    deinit {
        // SAFETY: the descriptor is ours and closed once.
        close(descriptor)
    }

    /// Without its end; `nil` after the last.
    mutating func next() throws(Failure) -> [UInt8]? {
        while true {
            if let end = buffer[start...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { start = end + 1 }
                number += 1
                return Array(buffer[start..<end])
            }
            buffer.removeFirst(start)
            start = 0
            guard buffer.count < Self.lineMax else { throw .failed("Line \(number + 1) of \(path) is longer than any that was exported.") }
            guard try fill() else {
                guard buffer.isEmpty else { throw .failed("\(path) is cut off within line \(number + 1).") }
                return nil
            }
        }
    }

    private mutating func fill() throws(Failure) -> Bool {
        var piece = [UInt8](repeating: 0, count: Self.lineMax)
        while true {
            // SAFETY: the buffer has as many bytes as are asked for.
            let count = read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .failed("\(path) can't be read: \(LocalFile.reason(errno)).") }
            buffer += piece[..<count]
            return count > 0
        }
    }
}
