/// A JSON object whose text stays in guarded memory: string values come out as `Secret`, or as text where the reader says that they are none.
package struct GuardedJSON: Sendable {
    package typealias Malformed = JSONOutline.Malformed

    private let source: Source
    private let outline: JSONOutline

    /// Shared by an object and the objects in it.
    private final class Source: Sendable {
        let text: Secret

        init(_ text: consuming Secret) {
            self.text = text
        }
    }

    /// Takes the text itself, without another copy.
    package init(_ text: consuming Secret) throws(Malformed) {
        source = Source(text)
        outline = try source.text.withBytes { (bytes) throws(Malformed) in try JSONOutline(of: bytes) }
    }

    private init(source: Source, outline: JSONOutline) {
        self.source = source
        self.outline = outline
    }

    /// Copies `bytes`, which stay the caller's to wipe.
    package static func object(in bytes: RawSpan) throws(Malformed) -> GuardedJSON {
        guard bytes.byteCount <= JSONOutline.textBytesMax else { throw .tooLarge }
        return try GuardedJSON(Secret(count: bytes.byteCount) { bytes.copy(into: $0) })
    }

    /// The names, as they stand in the text; for finding unknown ones. They are foreign text.
    package var fields: [String] { outline.members.map(\.name) }

    package func has(_ field: String) -> Bool { outline[field] != nil }

    package func isNull(_ field: String) -> Bool { outline[field] == .null }

    /// The unescaped bytes of a string. `nil` when missing or of another kind.
    package func secret(_ field: String) -> Secret? {
        guard case .string(let range)? = outline[field] else { return nil }
        return source.text.withBytes { text -> Secret? in
            Secret(count: JSONText.unescapedCount(text, range)) { JSONText.unescape(text, range, into: $0) }
        }
    }

    /// A string that is no secret. `nil` when missing or of another kind.
    package func text(_ field: String) -> String? {
        source.text.withBytes { outline.text(field, in: $0) }
    }

    /// A whole number without fraction or exponent.
    package func number(_ field: String) -> Int64? {
        source.text.withBytes { outline.number(field, in: $0) }
    }

    package func bool(_ field: String) -> Bool? { outline.bool(field) }

    package func object(_ field: String) -> GuardedJSON? {
        guard case .object(let nested)? = outline[field] else { return nil }
        return GuardedJSON(source: source, outline: nested)
    }
}
