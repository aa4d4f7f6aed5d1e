import FoundationEssentials
import Outbound
import Secrets
import Testing

@Suite struct `Scrubbing a message` {
    static let secret = "sk-Zr9Xw/K4+tB8pL\"q7Qm2"

    @Test(arguments: [
        ("plain \(secret) end", "plain *** end"), (secret, "***"), ("\(secret)\(secret)", "***"), ("part Zr9Xw of it", "part *** of it"),
        ("three Zr9 is nothing", "three Zr9 is nothing"), ("cut sk-Z", "cut ***"), ("", ""), ("nothing here", "nothing here"),
        ("hex \(hex(secret, upper: false)).", "hex ***."), ("HEX \(hex(secret, upper: true)).", "HEX ***."),
        ("odd f\(hex(secret, upper: false)).", "odd f***."), ("dump \(spacedHex(secret, ":")) end", "dump *** end"),
        ("url %73%6b%2DZr9Xw%2FK4%2btB8pL%22q7Qm2!", "url ***!"), ("json \(#"sk-Zr9Xw\/K4\u002btB8pL\"q7Qm2"#)!", "json ***!"),
        (#"twice sk-Zr9Xw\\/K4+tB8pL\\\"q7Qm2!"#, "twice ***!"),
        ("all \(percentAll(secret)) twice \(percentAll(percentAll(secret)))", "all *** twice ***"),
    ])
    func `a secret is masked in every form`(_ message: String, _ shown: String) {
        #expect(scrub(message, [Self.secret]) == shown)
    }

    @Test(arguments: 0..<6, [false, true])
    func `base64 is masked at any alignment, in both alphabets`(_ offset: Int, _ isURL: Bool) {
        let before = String(repeating: "~", count: offset)
        var text = Data((before + Self.secret + "~~~~~~").utf8).base64EncodedString()
        if isURL { text = text.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "") }
        let shown = scrub("b64 \(text) end", [Self.secret])
        #expect(shown.hasPrefix("b64 ") && shown.hasSuffix(" end") && shown.contains("***"))
        // What is left around the mask belongs to the neighbours.
        let left = shown.dropFirst(4).dropLast(4).replacing("***", with: "")
        #expect(left.count <= text.count - Self.secret.utf8.count * 4 / 3 + 2)
    }

    @Test func `base64 in lines is masked`() {
        let text = Data(Self.secret.utf8).base64EncodedString()
        #expect(scrub("a: \(text.prefix(10))\r\n\(text.dropFirst(10)).", [Self.secret]) == "a: ***=.")
    }

    @Test func `several secrets are masked, and short ones as a whole`() {
        #expect(scrub("abc then Zr9Xw-long then xy, not ab", ["abc", "Zr9Xw-long", "xy", ""]) == "*** then *** then ***, not ab")
        #expect(scrub("hex 616263", ["abc"]) == "hex ***")
    }

    @Test(arguments: [
        ("red \u{1B}[31mtext\u{1B}[0m", "red text"), ("title \u{1B}]0;evil\u{7}done", "title done"),
        ("st \u{1B}P1;2|x\u{1B}\\done", "st done"),
        ("c1 \u{9B}31mred", "c1 red"), ("a\nb\tc\r\nd", "a b c  d"), ("nul\0bell\u{7}", "nulbell"),
        ("bidi \u{202E}abc\u{2066}d", "bidi abcd"),
        ("zero\u{200B}width\u{FEFF}", "zerowidth"), ("line\u{2028}sep", "line sep"), ("émoji 😀 ok", "émoji 😀 ok"),
        ("tag\u{E0041}s", "tags"),
        ("split sk-\u{200B}Zr9Xw/K4", "split ***"), ("split sk-\u{1B}[0mZr9Xw/K4", "split ***"),
    ])
    func `nothing that controls a terminal is left`(_ message: String, _ shown: String) {
        #expect(scrub(message, [Self.secret]) == shown)
    }

    @Test func `bytes that are not UTF-8 are replaced`() {
        #expect(scrub([0x61, 0xFF, 0xC3, 0x62, 0xED, 0xA0, 0x80], []) == "a\u{FFFD}\u{FFFD}b\u{FFFD}\u{FFFD}\u{FFFD}")
    }

    @Test(arguments: [299, 300, 301, 5000, 65_536])
    func `at most 300 characters are left`(_ length: Int) {
        let shown = scrub(String(repeating: "é", count: length), [Self.secret])
        #expect(shown.unicodeScalars.count <= 300)
        #expect(shown.hasSuffix("…") == (length >= 300))
    }

    @Test func `a secret at the cut does not show its beginning`() {
        for length in stride(from: 4000, through: 4120, by: 5) {
            let shown = scrub(
                String(repeating: Self.secret, count: length / Self.secret.count)
                    + String(repeating: ".", count: length % Self.secret.count) + Self.secret, [Self.secret])
            #expect(!shown.contains("sk-") && !shown.contains("q7Q"))
        }
    }

    @Test(.timeLimit(.minutes(5))) func `large secrets and messages take no time to speak of`() {
        let large = String((0..<65_536).map { _ in "abcdefghijklmnopqrstuvwxyz0123456789".randomElement()! })
        #expect(scrub(large, [large, large + "x"]) == "***…")
    }

    private func scrub(_ message: String, _ secrets: [String]) -> String {
        scrub(Array(message.utf8), secrets)
    }

    private func scrub(_ message: [UInt8], _ secrets: [String]) -> String {
        var scrubber = Scrubber(message.span.bytes)
        for text in secrets { scrubber.hide(Secret(count: text.utf8.count) { $0.copyBytes(from: text.utf8) }) }
        return scrubber.text()
    }

    private static func hex(_ text: String, upper: Bool) -> String { text.utf8.map { digits($0, upper) }.joined() }

    private static func spacedHex(_ text: String, _ separator: String) -> String {
        text.utf8.map { digits($0, false) }.joined(separator: separator)
    }

    private static func percentAll(_ text: String) -> String { text.utf8.map { "%" + digits($0, true) }.joined() }

    private static func digits(_ byte: UInt8, _ upper: Bool) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: upper)
    }
}
