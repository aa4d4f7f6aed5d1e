package import Model

/// Config names, with `*` for any characters and `?` for one. `*` alone is also what calls ask for that concern no single config.
package struct ConfigPattern: Sendable, Hashable, CustomStringConvertible {
    package let description: String

    package static let all = ConfigPattern(unchecked: "*")

    package init(_ text: String) throws(InvalidValue) {
        let isFit = text.utf8.allSatisfy { byte in
            switch UnicodeScalar(byte) {
            case "a"..."z", "0"..."9", ".", "_", "-", "*", "?": true
            default: false
            }
        }
        guard isFit, (1...63).contains(text.utf8.count) else {
            throw InvalidValue("1 to 63 of a-z, 0-9, '.', '_', '-', with '*' for any characters and '?' for one")
        }
        description = text
    }

    private init(unchecked text: String) {
        description = text
    }

    func matches(_ name: ConfigName) -> Bool {
        Wildcards.match(description, "\(name)")
    }
}

/// Names of system services, with the same wildcards.
package struct UnitPattern: Sendable, Hashable, CustomStringConvertible {
    package let description: String

    /// `*.service` would be any of them, and users' managers run what users like: neither can be told from nobody in particular.
    package init(_ text: String) throws(InvalidValue) {
        let isFit = text.utf8.allSatisfy { byte in
            switch UnicodeScalar(byte) {
            case "a"..."z", "A"..."Z", "0"..."9", ":", "_", ".", "\\", "@", "-", "*", "?": true
            default: false
            }
        }
        guard isFit, (9...255).contains(text.utf8.count), text.hasSuffix(".service"), !text.hasPrefix("*"), !text.hasPrefix("?"),
            !text.hasPrefix("user@")
        else {
            throw InvalidValue("the name of a system service, such as 'backup.service' or 'keyturn-rotate@*.service'")
        }
        description = text
    }

    func matches(_ unit: String) -> Bool {
        Wildcards.match(description, unit)
    }
}

private enum Wildcards {
    /// Goes back to the last `*` when what follows it does not fit, so that the time is at most the product of both lengths.
    static func match(_ pattern: String, _ text: String) -> Bool {
        let (pattern, text) = (Array(pattern.utf8), Array(text.utf8))
        var (p, t) = (0, 0)
        var star: (pattern: Int, text: Int)?
        while t < text.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                star = (p, t)
                p += 1
            } else if p < pattern.count, pattern[p] == UInt8(ascii: "?") || pattern[p] == text[t] {
                p += 1
                t += 1
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                p = last.pattern + 1
                t = last.text + 1
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
