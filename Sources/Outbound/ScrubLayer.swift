/// The message at one depth of escaping: bytes, and where each of them stands in what will be shown.
struct ScrubLayer: ~Copyable {
    private(set) var bytes: WipedBytes
    /// Positions only; the message is a few kilobytes at most.
    private(set) var places: [Range<UInt16>]

    /// The message as it is shown.
    init(copying text: borrowing WipedBytes) {
        bytes = WipedBytes(capacity: max(text.count, 1))
        places = []
        places.reserveCapacity(text.count)
        for offset in 0..<text.count { append(text[offset], UInt16(offset)..<UInt16(offset + 1)) }
    }

    private init(capacity: Int) {
        bytes = WipedBytes(capacity: max(capacity, 1))
        places = []
    }

    var count: Int { bytes.count }

    /// The next depth: percent and JSON escapes undone. `nil` when there are none.
    func unescaped() -> ScrubLayer? {
        var next = ScrubLayer(capacity: count)
        var offset = 0
        var hasEscapes = false
        while offset < count {
            if let (scalar, length) = escape(at: offset) {
                hasEscapes = true
                let place = places[offset].lowerBound..<places[offset + length - 1].upperBound
                for byte in scalar { next.append(byte, place) }
                offset += length
            } else {
                next.append(bytes[offset], places[offset])
                offset += 1
            }
        }
        guard hasEscapes else { return nil }
        return next
    }

    private mutating func append(_ byte: UInt8, _ place: Range<UInt16>) {
        bytes.append(byte)
        places.append(place)
    }

    /// An escape never gives more bytes than it takes, so a layer fits in the size of the one above.
    private func escape(at offset: Int) -> ([UInt8], Int)? {
        switch bytes[offset] {
        case UInt8(ascii: "%"): return digits(2, at: offset + 1).map { ([UInt8($0)], 3) }
        case UInt8(ascii: "\\"):
            guard offset + 1 < count else { return nil }
            switch bytes[offset + 1] {
            case UInt8(ascii: "u"): return unicodeEscape(at: offset)
            case UInt8(ascii: "x"): return digits(2, at: offset + 2).map { ([UInt8($0)], 4) }
            case UInt8(ascii: "n"): return ([0x0A], 2)
            case UInt8(ascii: "r"): return ([0x0D], 2)
            case UInt8(ascii: "t"): return ([0x09], 2)
            case UInt8(ascii: "b"): return ([0x08], 2)
            case UInt8(ascii: "f"): return ([0x0C], 2)
            case let other where (0x21...0x2F).contains(other) || other == UInt8(ascii: "\\"): return ([other], 2)
            default: return nil
            }
        default: return nil
        }
    }

    private func unicodeEscape(at offset: Int) -> ([UInt8], Int)? {
        guard let first = digits(4, at: offset + 2) else { return nil }
        if let scalar = Unicode.Scalar(first) { return (Array(UTF8.encode(scalar)!), 6) }
        guard offset + 12 <= count, bytes[offset + 6] == UInt8(ascii: "\\"), bytes[offset + 7] == UInt8(ascii: "u"),
            let second = digits(4, at: offset + 8), (0xD800...0xDBFF).contains(first), (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + ((first & 0x3FF) << 10 | (second & 0x3FF)))
        else { return nil }
        return (Array(UTF8.encode(scalar)!), 12)
    }

    private func digits(_ length: Int, at offset: Int) -> UInt32? {
        guard offset + length <= count else { return nil }
        var value: UInt32 = 0
        for position in offset..<(offset + length) {
            guard let digit = ScrubAlphabet.hexDigit(bytes[position]) else { return nil }
            value = value << 4 | UInt32(digit)
        }
        return value
    }
}
