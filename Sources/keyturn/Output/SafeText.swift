/// Text from elsewhere, made safe for a terminal: no escape sequences, no line breaks, nothing that changes the direction of writing.
enum SafeText {
    static func line(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n", "\r", "\t", "\u{2028}", "\u{2029}": result.append(" ")
            case _ where isUnsafe(scalar): break
            default: result.append(scalar)
            }
        }
        return String(result)
    }

    /// JSON escapes the controls below space itself; DEL and the second set (0x80 to 0x9F, where terminals see commands too) are left to us.
    static func json(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { (0x7F...0x9F).contains($0.value) }) else { return text }
        return text.unicodeScalars.map { (0x7F...0x9F).contains($0.value) ? "\\u00\(String($0.value, radix: 16))" : String($0) }.joined()
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }
}
