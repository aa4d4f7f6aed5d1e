/// One server-sent event, as the HTML standard defines it.
package struct ServerEvent: Sendable, Equatable {
    /// The last id seen so far; what `Last-Event-ID` takes. Live events don't change it.
    package var id: String?
    /// `message` unless the stream says otherwise.
    package var event: String
    package var data: String

    package init(id: String?, event: String, data: String) {
        self.id = id
        self.event = event
        self.data = data
    }
}

/// Turns the bytes of a `text/event-stream` into events; bytes in, events out.
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
struct EventParser {
    /// A daemon's event has a few hundred bytes. More than this is not one.
    static let eventBytesMax = 1 << 20

    struct TooLong: Error {}

    private var line: [UInt8] = []
    private var sawCarriageReturn = false
    private var isFirstLine = true
    private var lastID: String?
    private var event = ""
    private var dataLines: [String] = []
    private var dataBytes = 0

    init(lastID: String?) {
        self.lastID = lastID
    }

    mutating func feed(_ bytes: some Sequence<UInt8>) throws(TooLong) -> [ServerEvent] {
        var events: [ServerEvent] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\n") where sawCarriageReturn: sawCarriageReturn = false  // the second half of CR LF
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                sawCarriageReturn = byte == UInt8(ascii: "\r")
                if let event = endLine() { events.append(event) }
            default:
                sawCarriageReturn = false
                line.append(byte)
                guard line.count + dataBytes <= Self.eventBytesMax else { throw TooLong() }
            }
        }
        return events
    }

    private mutating func endLine() -> ServerEvent? {
        var text = Substring(decoding: line, as: UTF8.self)
        line.removeAll(keepingCapacity: true)
        if isFirstLine, text.first == "\u{FEFF}" { text = text.dropFirst() }
        isFirstLine = false
        guard !text.isEmpty else { return dispatch() }
        guard !text.hasPrefix(":") else { return nil }  // a comment, which keeps the connection alive
        let name = text.prefix { $0 != ":" }
        var value = text.dropFirst(name.count).dropFirst()
        if value.first == " " { value = value.dropFirst() }
        switch name {
        case "id": if !value.contains("\0") { lastID = String(value) }
        case "event": event = String(value)
        case "data":
            dataLines.append(String(value))
            dataBytes += value.utf8.count + 1
        default: break  // `retry` too: the pause between attempts is ours
        }
        return nil
    }

    private mutating func dispatch() -> ServerEvent? {
        defer {
            event = ""
            dataLines = []
            dataBytes = 0
        }
        guard !dataLines.isEmpty else { return nil }
        return ServerEvent(id: lastID, event: event.isEmpty ? "message" : event, data: dataLines.joined(separator: "\n"))
    }
}
