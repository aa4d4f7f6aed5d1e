/// A local name bound to one remote AI LLM configuration at one upstream.
/// `[a-z0-9][a-z0-9._-]{0,62}`: survives `systemd-escape` unchanged, so that it can be a unit's instance name.
package struct ConfigName: Hashable, Sendable, Codable, CustomStringConvertible {
    package let description: String

    package init(_ text: String) throws(InvalidValue) {
        description = try LocalName.checked(text, of: "a config name")
    }

    package init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// The name of a Flashback backend in this vault. Same grammar as `ConfigName`.
package struct UpstreamName: Hashable, Sendable, Codable, CustomStringConvertible {
    package let description: String

    package init(_ text: String) throws(InvalidValue) {
        description = try LocalName.checked(text, of: "an upstream name")
    }

    package init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

private enum LocalName {
    static func checked(_ text: String, of what: String) throws(InvalidValue) -> String {
        let bytes = Array(text.utf8)
        guard (1...63).contains(bytes.count), let first = bytes.first, isLetterOrDigit(first),
            bytes.allSatisfy({ isLetterOrDigit($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") })
        else { throw InvalidValue("\(what): 1 to 63 characters of a-z, 0-9, '.', '_' and '-', starting with a letter or a digit") }
        return text
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
