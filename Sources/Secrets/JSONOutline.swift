/// Where the values of a JSON object (RFC 8259) lie in its text. Holds positions and field names, never a string value,
/// so that the text can stay where it is: in memory that is wiped.
package struct JSONOutline: Sendable, Equatable {
    package let members: [Member]

    package struct Member: Sendable, Equatable {
        package let name: String
        package let value: Value
    }

    package indirect enum Value: Sendable, Equatable {
        /// The text between the quotes, still escaped.
        case string(Range<Int>)
        case number(Range<Int>)
        case bool(Bool)
        case null
        case object(JSONOutline)
        /// Read and found well-formed, brackets included; its elements are not kept.
        case array(Range<Int>)
    }

    /// Why a text is not an object that can be read. Carries nothing of the text.
    package enum Malformed: Error, Equatable {
        case notAnObject, badSyntax, badText, duplicateField, tooDeep, tooLarge
    }

    /// Nothing that is read here nests deeper; more would only cost stack.
    package static let depthMax = 8
    /// Sealed envelopes and replies are far smaller.
    package static let textBytesMax = 1 << 20
    /// Objects, arrays and plain values counted together.
    package static let valuesMax = 4096

    /// Reads the whole of `text`, which must be one object with white space around it at most.
    package init(of text: RawSpan) throws(Malformed) {
        guard text.byteCount <= Self.textBytesMax else { throw .tooLarge }
        var reader = JSONReader()
        reader.skipSpace(in: text)
        guard reader.peek(in: text) == UInt8(ascii: "{") else { throw .notAnObject }
        self = try reader.object(in: text, depth: 1)
        reader.skipSpace(in: text)
        guard reader.position == text.byteCount else { throw .badSyntax }
    }

    init(members: [Member]) {
        self.members = members
    }

    package subscript(_ name: String) -> Value? {
        members.first { $0.name == name }?.value
    }

    /// The string value of a field, unescaped; for what is no secret. `nil` when missing or of another kind.
    package func text(_ name: String, in source: RawSpan) -> String? {
        guard case .string(let range)? = self[name] else { return nil }
        return JSONText.string(source, range)
    }

    /// A whole number without fraction or exponent. `nil` when missing, of another kind or out of range.
    package func number(_ name: String, in source: RawSpan) -> Int64? {
        guard case .number(let range)? = self[name] else { return nil }
        return Int64(String(decoding: range.map { source.byte($0) }, as: UTF8.self))
    }

    package func bool(_ name: String) -> Bool? {
        guard case .bool(let value)? = self[name] else { return nil }
        return value
    }
}

extension JSONOutline {
    /// Whether the whole of `text` is one well-formed JSON value of any kind.
    package static func isValue(_ text: RawSpan) -> Bool {
        var reader = JSONReader()
        return (try? reader.lone(in: text)) != nil
    }
}
