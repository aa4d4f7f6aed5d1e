internal import Secrets

/// The encodings in which a secret may stand in a message, as streams of digits.
enum ScrubAlphabet: CaseIterable {
    case plain, hex, base64

    /// Bits that one character carries.
    var bits: Int {
        switch self {
        case .plain: 8
        case .hex: 4
        case .base64: 6
        }
    }

    /// In how many ways a stream of digits may be cut into bytes.
    var alignments: Int {
        switch self {
        case .plain: 1
        case .hex: 2
        case .base64: 4
        }
    }

    enum Digit {
        case value(UInt8)
        /// May stand between digits: line breaks of base64, colons of a hex dump.
        case filler
        case other
    }

    func digit(_ byte: UInt8) -> Digit {
        switch self {
        case .plain: .value(byte)
        case .hex: Self.digit(Self.hexDigit(byte), isFiller: byte == UInt8(ascii: ":") || byte == UInt8(ascii: " "))
        case .base64: Self.digit(Self.base64Digit(byte), isFiller: [0x20, 0x0A, 0x0D].contains(byte))
        }
    }

    private static func digit(_ value: UInt8?, isFiller: Bool) -> Digit {
        if let value { .value(value) } else { isFiller ? .filler : .other }
    }

    static func hexDigit(_ byte: UInt8) -> UInt8? { HexDigit.value(byte) }

    /// Both the standard and the URL alphabet (RFC 4648, sections 4 and 5).
    private static func base64Digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
