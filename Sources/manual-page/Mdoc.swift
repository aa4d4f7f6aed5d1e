/// Text in mdoc(7).
struct Mdoc {
    private(set) var text = ""

    /// A macro and its arguments, each as it is.
    mutating func macro(_ words: String...) { text += "." + words.joined(separator: " ") + "\n" }

    mutating func sentence(_ sentence: String) { text += Self.escaped(sentence) + "\n" }

    /// Each line is a paragraph, but for indented ones: these are examples and stay as they are.
    mutating func prose(_ prose: String) {
        var isFirst = true
        var isExample = false
        for line in prose.split(separator: "\n") {
            switch (isExample, line.hasPrefix("  ")) {
            case (false, true): macro("Bd", "-literal", "-offset", "indent")
            case (true, false):
                macro("Ed")
                macro("Pp")
            case (false, false): if !isFirst { macro("Pp") }
            case (true, true): break
            }
            isExample = line.hasPrefix("  ")
            isFirst = false
            sentence(String(isExample ? line.dropFirst(2) : line))
        }
        if isExample { macro("Ed") }
    }

    /// A hyphen is a minus that can be pasted, a backslash is one, and a line that begins as a macro would is none.
    static func escaped(_ text: String) -> String {
        let plain = text.replacing("\\", with: "\\e").replacing("-", with: "\\-")
        return plain.hasPrefix(".") || plain.hasPrefix("'") ? "\\&" + plain : plain
    }

    /// An argument of a macro that is no macro itself, whatever its letters are.
    static func word(_ text: String) -> String { "\\&" + text.replacing("\\", with: "\\e").replacing("-", with: "\\-") }
}
