internal import Model
internal import Secrets

/// What is remembered of an entry in the backend's list.
struct ListEntry: Sendable, Equatable {
    let fields: RemoteFields
    let usesSharedKey: Bool
}

/// Reads `{"success": true, "aiLlms": [{…}, …]}` as it comes, in pieces of any size: each element is cut out by its braces, read alone and
/// let go, so that a list of megabytes takes the memory of its entries only.
struct ListScanner: ~Copyable {
    private(set) var entries: [String: ListEntry] = [:]
    /// The verdict beside the list, where there is one.
    private(set) var success: Bool?

    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    /// The last string or word at the top level of the object, and the field whose value is being read.
    private var word: [UInt8] = []
    private var field: [UInt8] = []
    private var progress = Progress.beforeList
    private var element: [UInt8] = []

    private enum Progress {
        case beforeList, inList, afterList
    }

    static let entriesMax = 20_000
    /// Of one element.
    static let elementBytesMax = 64 * 1024
    private static let listField = Array("aiLlms".utf8)
    private static let successField = Array("success".utf8)
    private static let depthMax = 32

    /// Whether the object has ended and had a list.
    var isComplete: Bool { depth == 0 && progress == .afterList }

    /// `false` when this can't be the list.
    mutating func take(_ bytes: RawSpan) -> Bool {
        for offset in 0..<bytes.byteCount {
            guard take(bytes.byte(offset)) else { return false }
        }
        return true
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        if progress == .inList, depth >= 3 || (depth == 2 && byte == UInt8(ascii: "{")) {
            element.append(byte)
            guard element.count <= Self.elementBytesMax else { return false }
        }
        return isInString ? takeInString(byte) : takeOutside(byte)
    }

    private mutating func takeInString(_ byte: UInt8) -> Bool {
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            isInString = false
            return true
        }
        remember(byte)
        return true
    }

    private mutating func takeOutside(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): return true
        case UInt8(ascii: "\""):
            guard depth > 0, !isBetweenElements else { return false }
            isInString = true
            if depth == 1 { word = [] }
        case UInt8(ascii: "{"), UInt8(ascii: "["): return open(byte)
        case UInt8(ascii: "}"), UInt8(ascii: "]"): return close(byte)
        case UInt8(ascii: ":"):
            if depth == 1 {
                field = word
                word = []
            }
        case UInt8(ascii: ","):
            if depth == 1 { endField() }
        default:
            guard depth > 0, !isBetweenElements else { return false }
            remember(byte)
        }
        return true
    }

    /// Where only objects may stand.
    private var isBetweenElements: Bool { progress == .inList && depth == 2 }

    /// Names and words at the top level; longer ones than any that matters are cut off.
    private mutating func remember(_ byte: UInt8) {
        if depth == 1, word.count < 32 { word.append(byte) }
    }

    private mutating func endField() {
        if field == Self.successField { success = word == Array("true".utf8) }
        field = []
        word = []
    }

    private mutating func open(_ byte: UInt8) -> Bool {
        let isObject = byte == UInt8(ascii: "{")
        if depth == 0 {
            guard isObject, progress == .beforeList else { return false }
        } else if isBetweenElements {
            guard isObject else { return false }
        } else if depth == 1, field == Self.listField, !isObject {
            guard progress == .beforeList else { return false }
            progress = .inList
        }
        depth += 1
        return depth <= Self.depthMax
    }

    private mutating func close(_ byte: UInt8) -> Bool {
        guard depth > 0 else { return false }
        if depth == 1 { endField() }
        depth -= 1
        if progress == .inList, depth == 1 {
            progress = .afterList
        } else if isBetweenElements {
            return endElement()
        }
        return true
    }

    private mutating func endElement() -> Bool {
        defer { element.removeAll(keepingCapacity: true) }
        guard entries.count < Self.entriesMax, let (id, entry) = Self.read(element) else { return false }
        entries[id] = entry
        return true
    }

    private static func read(_ element: [UInt8]) -> (id: String, ListEntry)? {
        let text = element.span.bytes
        guard let outline = try? JSONOutline(of: text), let id = outline.text("id", in: text) else { return nil }
        let fields = RemoteFields(
            name: outline.text("name", in: text), endpoint: outline.text("endpoint", in: text),
            aiType: outline.text("aiType", in: text).flatMap { try? AIType($0) })
        return (id, ListEntry(fields: fields, usesSharedKey: outline.text("apiKeyId", in: text)?.isEmpty == false))
    }
}
