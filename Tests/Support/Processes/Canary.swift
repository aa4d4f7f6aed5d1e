import Foundation

/// A secret made to be looked for: random, with the characters that encodings treat in different ways.
package struct Canary: Sendable, Hashable {
    package let text: String

    /// `prefix` may tell the stand-in something, such as `bad`. A key may hold any character that is no control character.
    package init(key prefix: String) {
        text = "\(prefix)-\"q\\s/'+%é😀-\(Self.luck())"
    }

    /// A bearer may hold printable ASCII only.
    package init(bearer prefix: String) {
        text = "\(prefix).\"q\\s/'+%=-\(Self.luck())"
    }

    private static func luck() -> String {
        UUID().uuidString.lowercased().filter { $0 != "-" }
    }

    /// Every form in which it could show.
    var needles: [(form: String, bytes: [UInt8])] {
        let plain = Array(text.utf8)
        let hex = plain.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        var texts = [
            ("plain", text), ("hex", hex), ("upper-case hex", hex.uppercased()), ("percent-escaped", Self.percentEscaped(plain)),
            ("the random part", String(text.suffix(32))),
        ]
        texts += Self.jsonEscaped(text).map { ("JSON-escaped", $0) }
        texts += Self.base64(plain).map { ("base64", $0) }
        texts += Self.base64(plain).map { ("base64url", $0.replacing("+", with: "-").replacing("/", with: "_")) }
        // A description of bytes, as a careless log line would print them.
        texts.append(("a list of numbers", plain.map(String.init).joined(separator: ", ")))
        return texts.map { ($0.0, Array($0.1.utf8)) }
    }

    /// As it looks inside longer base64, at each of the three places in a group where it can begin.
    private static func base64(_ bytes: [UInt8]) -> [String] {
        (0..<3).map { shift in
            let whole = Data([UInt8](repeating: 0, count: shift) + bytes).base64EncodedString()
            let sure = (shift + bytes.count) * 8 / 6
            return String(whole.prefix(sure).dropFirst((shift * 8 + 5) / 6))
        }
    }

    private static func jsonEscaped(_ text: String) -> [String] {
        let short = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        let escaped = { (isUpper: Bool) in
            short.utf16.map { unit -> String in
                guard unit >= 0x80 else { return String(Unicode.Scalar(UInt8(unit))) }
                let digits = String(unit, radix: 16, uppercase: isUpper)
                return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }.joined()
        }
        let forms = [short, escaped(false), escaped(true)]
        return forms + forms.map { $0.replacing("/", with: "\\/") }
    }

    private static func percentEscaped(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let character = Character(Unicode.Scalar(byte))
            return character.isASCII && (character.isLetter || character.isNumber || "-._~".contains(character))
                ? String(character) : "%" + String(byte, radix: 16, uppercase: true)
        }.joined()
    }
}

/// Looks for canaries where none may be.
package struct CanarySearch: Sendable {
    private let needles: [(name: String, bytes: [UInt8])]

    package init(_ canaries: some Sequence<Canary>) {
        needles = canaries.flatMap { canary in canary.needles.map { ("'\(canary.text.prefix(3))…' as \($0.form)", $0.bytes) } }
    }

    /// What was found, and where; empty when all is well.
    package func findings(in places: [String: [UInt8]]) -> [String] {
        places.sorted { $0.key < $1.key }.flatMap { name, bytes in
            let data = Data(bytes)
            return needles.filter { data.range(of: Data($0.bytes)) != nil }.map { "\($0.name) in \(name)" }
        }
    }
}
