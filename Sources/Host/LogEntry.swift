import FoundationEssentials
import Logging

/// One line of the log, in each of the shapes it can take.
struct LogEntry: Sendable, Equatable {
    let level: Logger.Level
    let message: String
    let fields: [String: String]

    /// The priorities of syslog(3).
    var priority: Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }

    enum Prefix: Sendable {
        case none, priority
    }

    /// `<6>Took the sockets. count=1 name="a b"`: one line, whatever is in it.
    func textLine(_ prefix: Prefix) -> String {
        let pairs = sorted.map { " \($0.key)=\(Self.quoted($0.value))" }.joined()
        return (prefix == .priority ? "<\(priority)>" : "") + Self.oneLine(message) + pairs
    }

    /// `{"time":…,"level":"info","message":…}` and the fields as they are named.
    func jsonLine(at time: String) -> String {
        var object = fields
        object["time"] = time
        object["level"] = level.rawValue
        object["message"] = message
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings always encode.
        return (try? encoder.encode(object)).map { String(decoding: $0, as: UTF8.self) } ?? textLine(.none)
    }

    /// `caller_uid` becomes KEYTURN_CALLER_UID; the field `event` also decides over the `MESSAGE_ID`, which `ids` has.
    func journalFields(_ ids: [String: String]) -> [(name: String, value: String)] {
        let id = fields["event"].flatMap { ids[$0] }.map { [("MESSAGE_ID", $0)] } ?? []
        return [("MESSAGE", message), ("PRIORITY", "\(priority)"), ("SYSLOG_IDENTIFIER", "keyturnd")] + id
            + sorted.map { (Self.journalName($0.key), $0.value) }
    }

    private var sorted: [(key: String, value: String)] { fields.sorted { $0.key < $1.key } }

    private static func journalName(_ key: String) -> String {
        let name = key.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
        return "KEYTURN_" + String(name)
    }

    private static func quoted(_ value: String) -> String {
        let isPlain =
            !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
        return isPlain ? value : "\"" + oneLine(value).replacing("\"", with: "\\\"") + "\""
    }

    /// Control characters would end the line, or do things to a terminal.
    private static func oneLine(_ text: String) -> String {
        String(text.map { character in character.unicodeScalars.contains { $0.properties.generalCategory == .control } ? " " : character })
    }
}
