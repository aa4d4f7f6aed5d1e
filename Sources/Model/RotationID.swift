/// A rotation's id: a ULID (48 bits of milliseconds, 80 random bits), 26 characters of Crockford's base 32.
/// Ids sort by time of creation, as text and as bytes.
package struct RotationID: Hashable, Sendable, Codable, CustomStringConvertible {
    package let description: String

    package init(at time: Timestamp, random: [UInt8]) {
        precondition(random.count == 10, "a ULID takes 10 random bytes, not \(random.count)")
        var bits = [UInt8]()
        bits.reserveCapacity(16)
        for shift in stride(from: 40, through: 0, by: -8) { bits.append(UInt8(truncatingIfNeeded: time.milliseconds >> Int64(shift))) }
        bits += random
        var text = ""
        var buffer = 0
        var bitCount = 2  // 128 bits in 26 characters of 5: two leading zero bits
        for byte in bits {
            buffer = (buffer << 8) | Int(byte)
            bitCount += 8
            while bitCount >= 5 {
                bitCount -= 5
                text.unicodeScalars.append(Unicode.Scalar(Self.alphabet[(buffer >> bitCount) & 31]))
            }
            buffer &= (1 << bitCount) - 1
        }
        description = text
    }

    package init(_ text: String) throws(InvalidValue) {
        let bytes = Array(text.utf8)
        guard bytes.count == 26, let first = bytes.first, first <= UInt8(ascii: "7"), bytes.allSatisfy({ Self.alphabet.contains($0) })
        else {
            throw InvalidValue("a rotation id: 26 characters as 'keyturn history' shows them")
        }
        description = text
    }

    /// The 48-bit time in the id, in milliseconds since 1970.
    package var milliseconds: UInt64 {
        description.utf8.prefix(10).reduce(0) { sum, byte in sum << 5 | UInt64(Self.alphabet.firstIndex(of: byte) ?? 0) }
    }

    package init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
}
