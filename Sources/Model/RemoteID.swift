/// The id of an AI LLM configuration at the backend: `[A-Za-z0-9._-]{1,128}`, neither `.` nor `..`,
/// so that it can stand in a URL path without ever changing which path that is.
package struct RemoteID: Hashable, Sendable, Codable, CustomStringConvertible {
    package let description: String

    package init(_ text: String) throws(InvalidValue) {
        let isSane = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isSane, (1...128).contains(text.utf8.count), text != ".", text != ".." else {
            throw InvalidValue("a remote id: 1 to 128 characters of A-Z, a-z, 0-9, '.', '_' and '-', and neither '.' nor '..'")
        }
        description = text
    }

    package init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
