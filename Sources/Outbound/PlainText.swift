internal import Secrets

/// Turns foreign bytes into text that does nothing to a terminal or a log: no control characters, no escape sequences, no invisible or
/// direction-changing characters, all on one line.
struct PlainText {
    private enum Mode {
        case text, escape, controlSequence, controlString
    }

    private var mode = Mode.text

    /// Appends to `target` up to its capacity; returns whether all of it fitted.
    static func copy(_ bytes: RawSpan, into target: inout WipedBytes) -> Bool {
        var filter = PlainText()
        var offset = 0
        while offset < bytes.byteCount {
            let (scalar, length) = decode(bytes, at: offset)
            offset += length
            guard filter.lets(scalar), let shown = shown(scalar) else { continue }
            let encoded = UTF8.encode(shown)!
            guard target.count + encoded.count <= target.capacity else { return false }
            for byte in encoded { target.append(byte) }
        }
        return true
    }

    /// Follows escape sequences (ECMA-48), which go as a whole: their letters alone would only be noise.
    private mutating func lets(_ scalar: Unicode.Scalar) -> Bool {
        switch (mode, scalar) {
        case (.controlString, "\u{7}"), (.controlString, "\u{9C}"): mode = .text
        case (_, "\u{1B}"): mode = .escape
        case (.controlString, _): break
        case (_, "\u{9B}"), (.escape, "["): mode = .controlSequence
        case (_, "\u{90}"), (_, "\u{98}"), (_, "\u{9D}"..."\u{9F}"), (.escape, "]"), (.escape, "P"), (.escape, "X"), (.escape, "^"),
            (.escape, "_"):
            mode = .controlString
        case (.escape, " "..."/"): break
        case (.escape, _): mode = .text
        case (.controlSequence, "@"..."~"): mode = .text
        case (.controlSequence, " "..."?"): break
        case (.controlSequence, _): mode = .text
        case (.text, _): return true
        }
        return false
    }

    private static func shown(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
        switch scalar {
        case "\n", "\r", "\t", "\u{2028}", "\u{2029}": return " "
        case " "..."~": return scalar
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: return nil
        case .spaceSeparator: return " "
        default: return scalar.properties.isDefaultIgnorableCodePoint ? nil : scalar
        }
    }

    /// The scalar at `offset` and how many bytes it takes; U+FFFD and 1 for what is not UTF-8.
    private static func decode(_ bytes: RawSpan, at offset: Int) -> (Unicode.Scalar, Int) {
        let first = bytes.byte(offset)
        let (length, initial, least): (Int, UInt32, UInt32) =
            switch first {
            case 0x00...0x7F: (1, UInt32(first), 0)
            case 0xC2...0xDF: (2, UInt32(first & 0x1F), 0x80)
            case 0xE0...0xEF: (3, UInt32(first & 0x0F), 0x800)
            case 0xF0...0xF4: (4, UInt32(first & 0x07), 0x10000)
            default: (0, 0, 0)
            }
        guard length > 0, offset + length <= bytes.byteCount else { return ("\u{FFFD}", 1) }
        var value = initial
        for next in 1..<max(length, 1) {
            let byte = bytes.byte(offset + next)
            guard byte & 0xC0 == 0x80 else { return ("\u{FFFD}", 1) }
            value = value << 6 | UInt32(byte & 0x3F)
        }
        guard value >= least, let scalar = Unicode.Scalar(value) else { return ("\u{FFFD}", 1) }
        return (scalar, length)
    }
}
