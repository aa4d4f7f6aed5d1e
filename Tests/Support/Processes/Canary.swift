import CSearch
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

    /// Something that is no secret, but must not show in some place either.
    package init(text: String) {
        self.text = text
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
        let wide = [text, String(text.suffix(32))].map { ("UTF-16", $0.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }) }
        return texts.map { ($0.0, Array($0.1.utf8)) } + wide
    }

    /// As it looks inside longer base64, at each of the three places in a group where it can begin.
    fileprivate static func base64(_ bytes: [UInt8]) -> [String] {
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

    /// `keys`: bytes that are no text.
    package init(_ canaries: some Sequence<Canary>, keys: [String: [UInt8]] = [:]) {
        needles =
            canaries.flatMap { canary in canary.needles.map { ("'\(canary.text.prefix(3))…' as \($0.form)", $0.bytes) } }
            + keys.sorted { $0.key < $1.key }.flatMap { name, bytes in Self.needles(of: bytes).map { ("\(name) as \($0.form)", $0.bytes) } }
    }

    /// Either half of a key gives it away nearly as well.
    private static func needles(of key: [UInt8]) -> [(form: String, bytes: [UInt8])] {
        let hex = key.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let texts = [("hex", hex), ("upper-case hex", hex.uppercased())] + Canary.base64(key).map { ("base64", $0) }
        let halves = [("its first half", Array(key.prefix(key.count / 2))), ("its second half", Array(key.suffix(key.count / 2)))]
        return halves + texts.map { ($0.0, Array($0.1.utf8)) }
    }

    /// What was found, and where; empty when all is well.
    package func findings(in places: [String: [UInt8]]) -> [String] {
        places.sorted { $0.key < $1.key }.flatMap { name, bytes in found(in: bytes).map { "\($0.what) in \(name)" } }
    }

    /// What was found, each at its first place.
    package func found(in bytes: [UInt8]) -> [(what: String, offset: Int)] {
        bytes.withUnsafeBytes { bytes in
            needles.compactMap { name, needle in
                guard let start = bytes.baseAddress else { return nil }
                // SAFETY: both are valid for their counts; the place that is answered lies in the first.
                return first_place(start, bytes.count, needle, needle.count).map { (name, $0 - start) }
            }
        }
    }
}
