/// A piece of text with what it means; the console knows what that looks like.
struct Styled: Sendable, Equatable, ExpressibleByStringInterpolation {
    var text: String
    var style: Style

    enum Style: Sendable {
        case plain, good, warning, bad, faint, strong
    }

    init(_ text: String, _ style: Style = .plain) {
        self.text = SafeText.line(text)
        self.style = style
    }

    init(stringLiteral value: String) {
        self.init(value)
    }

    /// What is missing is a dash, so that columns stay columns.
    init(_ text: String?) {
        self.init(text ?? "-")
    }

    /// The state of a config, a version or a rotation.
    static func state(_ word: String) -> Styled {
        switch word {
        case "ok", "succeeded", "current", "proven": Styled(word, .good)
        case "failed", "stuck", "overdue", "quarantined", "rejected": Styled(word, .bad)
        case "due", "waiting", "paused", "running", "pending", "unproven": Styled(word, .warning)
        case "retired", "discarded", "cancelled": Styled(word, .faint)
        default: Styled(word)
        }
    }

    func rendered(inColour: Bool) -> String {
        guard inColour, let code else { return text }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }

    private var code: String? {
        switch style {
        case .plain: nil
        case .good: "32"
        case .warning: "33"
        case .bad: "31"
        case .faint: "2"
        case .strong: "1"
        }
    }
}
