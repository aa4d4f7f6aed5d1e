import Secrets
import Testing

@Suite struct `Reading JSON out of guarded memory` {
    @Test func `secrets, texts, numbers and nested objects come out of one text`() throws {
        let json = try read(
            #" {"v":1,"purpose":"stage","expires_at":null,"on":true,"list":[1,{"a":[]}],"credential":{"key":"sk-\u00e9\n\"x\"\\"}} "#)
        #expect(json.fields == ["v", "purpose", "expires_at", "on", "list", "credential"])
        #expect(json.number("v") == 1)
        #expect(json.text("purpose") == "stage")
        #expect(json.isNull("expires_at"))
        #expect(!json.isNull("purpose") && !json.isNull("absent"))
        #expect(json.bool("on") == true)
        #expect(json.has("list") && !json.has("absent"))
        let credential = try #require(json.object("credential"))
        #expect(reveal(credential.secret("key")) == "sk-é\n\"x\"\\")
        #expect(reveal(credential.secret("secret")) == nil)
    }

    @Test func `a field of another kind is not there`() throws {
        let json = try read(#"{"a":1,"b":"x","c":1.5,"d":99999999999999999999}"#)
        #expect(json.text("a") == nil)
        #expect(reveal(json.secret("a")) == nil)
        #expect(json.number("b") == nil)
        #expect(json.number("c") == nil)
        #expect(json.number("d") == nil)
        #expect(json.object("b") == nil)
    }

    @Test(arguments: [
        (#""\ud83d\ude00""#, "😀"), (#""\u0041\/\b\f\n\r\t""#, "A/\u{8}\u{c}\n\r\t"), (#""""#, ""), (#""\u0000""#, "\0"), (#""é😀""#, "é😀"),
    ])
    func `escapes are undone straight into guarded memory`(_ literal: String, _ meaning: String) throws {
        let json = try read(#"{"s":\#(literal)}"#)
        #expect(reveal(json.secret("s")) == meaning)
        #expect(json.text("s") == meaning)
    }

    @Test(arguments: [
        ("", GuardedJSON.Malformed.notAnObject), ("[]", .notAnObject), ("\"x\"", .notAnObject), ("{", .badSyntax), ("{}}", .badSyntax),
        ("{} x", .badSyntax), (#"{"a"}"#, .badSyntax), (#"{"a":}"#, .badSyntax), (#"{"a":1,}"#, .badSyntax), (#"{a:1}"#, .badSyntax),
        (#"{"a":01}"#, .badSyntax), (#"{"a":+1}"#, .badSyntax), (#"{"a":1.}"#, .badSyntax), (#"{"a":1e}"#, .badSyntax),
        (#"{"a":-}"#, .badSyntax), (#"{"a":NaN}"#, .badSyntax), (#"{"a":tru}"#, .badSyntax), (#"{"a":[1,]}"#, .badSyntax),
        (#"{"a":"x"#, .badSyntax), (#"{"a":"x\"#, .badSyntax), (#"{"a":"\x"}"#, .badText), (#"{"a":"\u12"}"#, .badText),
        (#"{"a":"\ud800"}"#, .badText), (#"{"a":"\ud800\u0041"}"#, .badText), (#"{"a":"\udc00"}"#, .badText), ("{\"a\":\"\n\"}", .badText),
        (#"{"a":1,"a":2}"#, .duplicateField), (#"{"a":1,"\u0061":2}"#, .duplicateField), (#"{"x":{"a":1,"a":2}}"#, .duplicateField),
        (String(repeating: #"{"a":"#, count: 9) + "1" + String(repeating: "}", count: 9), .tooDeep), (#"{"a":[[[[[[[[]]]]]]]]}"#, .tooDeep),
    ])
    func `what is not one well-formed object is refused`(_ text: String, _ why: GuardedJSON.Malformed) {
        #expect(throws: why) { try read(text) }
    }

    @Test(
        arguments: [
            [0x80], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xC3], [0xF4, 0x90, 0x80, 0x80],
        ] as [[UInt8]])
    func `bytes that are not UTF-8 are refused`(_ bytes: [UInt8]) {
        let text = Array(#"{"a":""#.utf8) + bytes + Array(#""}"#.utf8)
        #expect(throws: GuardedJSON.Malformed.badText) { _ = try GuardedJSON.object(in: text.span.bytes) }
    }

    @Test func `too many values or bytes are refused`() {
        #expect(throws: GuardedJSON.Malformed.tooLarge) {
            try read(#"{"a":[\#(Array(repeating: "1", count: 5000).joined(separator: ","))]}"#)
        }
        #expect(throws: GuardedJSON.Malformed.tooLarge) { try read(#"{"a":"\#(String(repeating: "x", count: 1 << 20))"}"#) }
    }

    private func read(_ text: String) throws -> GuardedJSON {
        try GuardedJSON.object(in: Array(text.utf8).span.bytes)
    }
}

@Suite struct `Writing JSON into guarded memory` {
    @Test func `what is written reads back the same`() throws {
        let awkward = "\"\\/\u{0}\u{1f}\n é😀\u{7f}"
        var writer = GuardedJSONWriter(capacity: 16)
        writer.literal(#"{"v":"#)
        writer.number(-1)
        writer.literal(#","key":"#)
        writer.string(secret(awkward))
        writer.literal(#","name":"#)
        writer.string(awkward)
        writer.literal("}")
        let json = try GuardedJSON(writer.finish())
        #expect(json.number("v") == -1)
        #expect(reveal(json.secret("key")) == awkward)
        #expect(json.text("name") == awkward)
    }

    @Test func `only what must be escaped is escaped`() {
        var writer = GuardedJSONWriter()
        writer.string(secret("a/é\"\n"))
        #expect(reveal(writer.finish()) == #""a/é\"\u000a""#)
    }

    @Test func `it grows past its first capacity`() {
        let long = String(repeating: "k", count: 70_000)
        var writer = GuardedJSONWriter(capacity: 16)
        writer.string(secret(long))
        #expect(reveal(writer.finish()) == "\"\(long)\"")
    }
}
