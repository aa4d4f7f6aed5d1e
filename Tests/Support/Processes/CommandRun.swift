import Foundation

/// What a command came to.
package struct CommandRun: Sendable {
    package let status: Int32
    package let output: String
    package let errors: String

    /// Standard output as the one JSON document that `--json` promises.
    package var document: Document {
        get throws { try Document(output) }
    }

    /// Standard error as a problem document.
    package var problem: Document {
        get throws { try Document(errors) }
    }
}

/// JSON as it came, read without the product's own types, so that a field that is renamed there is missed here.
package struct Document: Sendable, Equatable, Decodable, CustomStringConvertible {
    package let value: Value

    package indirect enum Value: Sendable, Equatable {
        case null, bool(Bool), number(Double), text(String), list([Document]), object([String: Document])
    }

    package init(_ text: String) throws {
        self = try JSONDecoder().decode(Document.self, from: Data(text.utf8))
    }

    package init(from decoder: any Decoder) throws {
        let single = try decoder.singleValueContainer()
        if single.decodeNil() {
            value = .null
        } else if let bool = try? single.decode(Bool.self) {
            value = .bool(bool)
        } else if let number = try? single.decode(Double.self) {
            value = .number(number)
        } else if let text = try? single.decode(String.self) {
            value = .text(text)
        } else if let list = try? single.decode([Document].self) {
            value = .list(list)
        } else {
            value = .object(try single.decode([String: Document].self))
        }
    }

    private init(_ value: Value) { self.value = value }

    /// A field; `null` where there is none.
    package subscript(_ field: String) -> Document {
        guard case .object(let fields) = value else { return Document(.null) }
        return fields[field] ?? Document(.null)
    }

    package var isNull: Bool { value == .null }

    package func has(_ field: String) -> Bool {
        if case .object(let fields) = value { fields[field] != nil } else { false }
    }

    package var text: String? { if case .text(let text) = value { text } else { nil } }
    package var number: Int? { if case .number(let number) = value { Int(number) } else { nil } }
    package var bool: Bool? { if case .bool(let bool) = value { bool } else { nil } }
    package var items: [Document] { if case .list(let items) = value { items } else { [] } }

    /// A problem's code without its prefix.
    package var code: String? {
        guard let type = self["type"].text, type.hasPrefix("urn:keyturn:problem:") else { return nil }
        return String(type.dropFirst("urn:keyturn:problem:".count))
    }

    package var description: String { "\(value)" }
}
