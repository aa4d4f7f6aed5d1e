package import FoundationEssentials

/// A JSON body that a caller sends. Unknown fields are refused, so that a misspelt option is never silently ignored.
package protocol RequestBody: Codable, Sendable {
    associatedtype Fields: CodingKey, CaseIterable
}

/// Why a body could not be read: a sentence that names the field.
package struct UnreadableBody: Error, Equatable {
    package let detail: String
}

extension RequestBody {
    /// Reads a body strictly. An absent body reads as `{}`.
    package static func read(_ body: Data) throws(UnreadableBody) -> Self {
        let json = body.isEmpty ? Data("{}".utf8) : body
        let decoder = JSONDecoder()
        do {
            let unknown = try decoder.decode(FieldNames.self, from: json).names.subtracting(Fields.allCases.map(\.stringValue))
            if let field = unknown.sorted().first {
                let known = Fields.allCases.map { "'\($0.stringValue)'" }.joined(separator: ", ")
                let shown = field.utf8.count <= 64 && field.utf8.allSatisfy { (0x20...0x7E).contains($0) } ? " '\(field)'" : ""
                throw UnreadableBody(detail: "There is an unknown field\(shown); known here: \(known.isEmpty ? "none" : known).")
            }
            return try decoder.decode(Self.self, from: json)
        } catch let error as UnreadableBody {
            throw error
        } catch let error as DecodingError {
            if let field = unfitNumber(in: json) { throw UnreadableBody(detail: "The field '\(field)' must be a whole number.") }
            throw UnreadableBody(detail: error.sentence)
        } catch {
            throw UnreadableBody(detail: "The body is not valid JSON.")
        }
    }
}

extension RequestBody {
    /// A field whose number is not whole, or too large. Foundation reports one as if the whole text were no JSON.
    private static func unfitNumber(in json: Data) -> String? {
        guard let numbers = try? JSONDecoder().decode([String: Number].self, from: json) else { return nil }
        return numbers.filter { field, number in
            number.value.map { Int64(exactly: $0) == nil } ?? false && Fields(stringValue: field) != nil
        }
        .keys.sorted().first
    }
}

/// A value as far as it is a number.
private struct Number: Decodable {
    let value: Double?

    init(from decoder: any Decoder) throws {
        value = try? decoder.singleValueContainer().decode(Double.self)
    }
}

/// The names of an object's fields, whatever their values.
private struct FieldNames: Decodable {
    let names: Set<String>

    init(from decoder: any Decoder) throws {
        names = Set(try decoder.container(keyedBy: AnyName.self).allKeys.map(\.stringValue))
    }

    private struct AnyName: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

extension DecodingError {
    /// Names the field and what is wrong with it; never quotes the value.
    fileprivate var sentence: String {
        switch self {
        case .keyNotFound(let key, _): "The field '\(key.stringValue)' is missing."
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            context.codingPath.isEmpty
                ? "The body must be a JSON object." : "The field '\(Self.path(context))' must be \(Self.name(of: type))."
        case .dataCorrupted(let context):
            context.codingPath.isEmpty ? "The body is not valid JSON." : "The field '\(Self.path(context))' has a value that can't be."
        @unknown default: "The body is not valid."
        }
    }

    private static func path(_ context: Context) -> String {
        context.codingPath.map(\.stringValue).joined(separator: ".")
    }

    private static func name(of type: any Any.Type) -> String {
        switch type {
        case is String.Type: "a string"
        case is Bool.Type: "true or false"
        case is Int.Type, is Int64.Type: "a whole number"
        default: "of another type"
        }
    }
}

/// The one way that both ends write JSON: fields in a stable order, slashes as they are.
package enum WireJSON {
    package static func encode(_ value: some Encodable) -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return try encoder.encode(value)
        } catch {
            fatalError("a wire type that can't be encoded: \(error)")
        }
    }

    /// Reads a reply, fields that this version does not know included.
    package static func decode<Value: Decodable>(_ type: Value.Type, from body: Data) throws -> Value {
        try JSONDecoder().decode(type, from: body)
    }
}
