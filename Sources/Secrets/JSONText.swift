/// The inside of JSON strings, both ways, without a `String` in between: what is read or written may be a secret.
package enum JSONText {
    // MARK: Reading

    /// Whether all escapes are known, surrogates come in pairs and the result is UTF-8.
    static func isSound(_ text: RawSpan, _ range: Range<Int>) -> Bool {
        var checker = UTF8Checker()
        return unescape(text, range) { checker.take($0) } && checker.isComplete
    }

    /// How many bytes the string has once unescaped. The range must come from a `JSONOutline`.
    package static func unescapedCount(_ text: RawSpan, _ range: Range<Int>) -> Int {
        var count = 0
        _ = unescape(text, range) { _ in count += 1 }
        return count
    }

    /// Writes the unescaped bytes to the start of `target`, which must have room for `unescapedCount` of them.
    package static func unescape(_ text: RawSpan, _ range: Range<Int>, into target: UnsafeMutableRawBufferPointer) {
        var offset = 0
        _ = unescape(text, range) { byte in
            target[offset] = byte
            offset += 1
        }
    }

    static func string(_ text: RawSpan, _ range: Range<Int>) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        _ = unescape(text, range) { bytes.append($0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `false` when an escape is malformed; what came before it has been emitted.
    private static func unescape(_ text: RawSpan, _ range: Range<Int>, emit: (UInt8) -> Void) -> Bool {
        var position = range.lowerBound
        while position < range.upperBound {
            let byte = text.byte(position)
            guard byte == UInt8(ascii: "\\") else {
                emit(byte)
                position += 1
                continue
            }
            guard position + 1 < range.upperBound else { return false }
            let letter = text.byte(position + 1)
            if letter == UInt8(ascii: "u") {
                guard let (scalar, length) = unicodeEscape(text, position..<range.upperBound) else { return false }
                for byte in UTF8.encode(scalar)! { emit(byte) }
                position += length
            } else {
                guard let plain = simpleEscape(letter) else { return false }
                emit(plain)
                position += 2
            }
        }
        return true
    }

    private static func simpleEscape(_ letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): letter
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: nil
        }
    }

    /// `\uXXXX`, or two of them for a character beyond the first plane; with how many bytes that took.
    private static func unicodeEscape(_ text: RawSpan, _ range: Range<Int>) -> (Unicode.Scalar, Int)? {
        guard let first = codeUnit(text, range) else { return nil }
        if let scalar = Unicode.Scalar(first) { return (scalar, 6) }
        guard (0xD800...0xDBFF).contains(first),
            range.count >= 12, let second = codeUnit(text, (range.lowerBound + 6)..<range.upperBound), (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (UInt32(first & 0x3FF) << 10 | UInt32(second & 0x3FF)))
        else { return nil }
        return (scalar, 12)
    }

    private static func codeUnit(_ text: RawSpan, _ range: Range<Int>) -> UInt16? {
        guard range.count >= 6, text.byte(range.lowerBound) == UInt8(ascii: "\\"), text.byte(range.lowerBound + 1) == UInt8(ascii: "u")
        else {
            return nil
        }
        var unit: UInt16 = 0
        for offset in 2..<6 {
            guard let digit = HexDigit.value(text.byte(range.lowerBound + offset)) else { return nil }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }

    // MARK: Writing

    /// How many bytes `bytes` take inside quotes.
    package static func escapedCount(_ bytes: RawSpan) -> Int {
        var count = 0
        escape(bytes) { _ in count += 1 }
        return count
    }

    /// Writes the escaped bytes to the start of `target`, which must have room for `escapedCount` of them; returns how many.
    package static func escape(_ bytes: RawSpan, into target: UnsafeMutableRawBufferPointer) -> Int {
        var offset = 0
        escape(bytes) { byte in
            target[offset] = byte
            offset += 1
        }
        return offset
    }

    /// Only what RFC 8259 demands is escaped; UTF-8 stays as it is.
    private static func escape(_ bytes: RawSpan, emit: (UInt8) -> Void) {
        for offset in 0..<bytes.byteCount {
            let byte = bytes.byte(offset)
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                emit(UInt8(ascii: "\\"))
                emit(byte)
            case 0..<0x20:
                emit(UInt8(ascii: "\\"))
                emit(UInt8(ascii: "u"))
                emit(UInt8(ascii: "0"))
                emit(UInt8(ascii: "0"))
                emit(HexDigit.letter(byte >> 4))
                emit(HexDigit.letter(byte & 15))
            default: emit(byte)
            }
        }
    }
}

/// One hexadecimal digit, either case when read, lower case when written.
package enum HexDigit {
    package static func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    package static func letter(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
