import FakeDaemon
import FoundationEssentials
import KeyturnWire
import Model
import Secrets
import Testing

@testable import keyturn

@Suite struct `What is given as a credential` {
    @Test(arguments: [
        ("sk-1\n", #"{"key":"sk-1"}"#), ("sk-1", #"{"key":"sk-1"}"#), ("sk-1\r\n", #"{"key":"sk-1"}"#), (#"a"b\c"#, #"{"key":"a\"b\\c"}"#),
        (#" {"key":"k","secret":"s"} "#, #"{"key":"k","secret":"s"}"#),
        (#"{"secret":"s","aiType":"aws","endpoint":"https://e"}"#, #"{"secret":"s","endpoint":"https://e","aiType":"AWS"}"#),
    ]) func `a line is the key, JSON says more`(_ given: String, _ expected: String) throws {
        let pair = BoxKeyPair(random: SystemRandom())
        let envelope = Envelope(purpose: .stage, target: "a")
        let value = try envelope.seal(StagedCredential.read(guarded(given)), to: pair.publicKey)
        let text = try opened(value, with: pair)
        #expect(text.hasSuffix(#","expires_at":null,"credential":\#(expected)}"#))
        #expect(text.hasPrefix(#"{"v":1,"purpose":"stage","target":"a","box":""#))
    }

    @Test(arguments: [
        "", "\n", "two\nlines", "two\n\n", "nul\0", "{", #"{"key":""}"#, #"{"key":1}"#, #"{"name":"n"}"#, #"{"key":"k","kee":"k"}"#,
        #"{"type":"service_account"}"#, #"{"key":"k","key":"l"}"#,
    ]) func `all else is a mistake in using it`(_ given: String) {
        #expect(throws: Failure.self) {
            let credential = try StagedCredential.read(guarded(given))
            _ = try Envelope(purpose: .stage, target: "a").seal(credential, to: BoxKeyPair(random: SystemRandom()).publicKey)
        }
    }

    @Test func `bytes that are no text are refused`() {
        #expect(throws: Failure.usage("The secret is not UTF-8 text.")) {
            let bytes = Secret(count: 2) { $0.copyBytes(from: [0xFF, 0xFE]) }
            _ = try Envelope(purpose: .stage, target: "a").seal(
                StagedCredential.read(bytes), to: BoxKeyPair(random: SystemRandom()).publicKey)
        }
    }
}

@Suite struct `Sealing for a vault` {
    @Test func `a staged key leaves this process only in a box for its config`() async throws {
        let pair = BoxKeyPair(random: SystemRandom())
        let offered =
            #"{"key":"\#(Data(pair.publicKey.bytes).base64EncodedString())","key_id":"\#(pair.publicKey.id)","purposes":["stage","upstream-token"]}"#
        let folder = try ThrowawayFolder()
        defer { folder.remove() }
        let file = try folder.file("key", "sk-canary-0123456789\n")
        let answer = { @Sendable (request: FakeDaemon.Request) in
            request.target == "/v1/intake-key"
                ? FakeDaemon.Reply.json(200, offered)
                : .json(201, #"{"version":4,"state":"staged","created_at":"2026-11-24T00:00:00Z","compromised":false}"#)
        }
        let body = try await FakeDaemon.serving(answer) { fake in
            let ran = await keyturn("stage", "openai-prod", "--file", file, "--as-current", at: fake.socketPath)
            #expect(ran.status == .done)
            #expect(ran.output == "openai-prod: version 4 is staged.\n")
            let post = try #require(fake.requests.last)
            #expect(post.target == "/v1/configs/openai-prod/versions")
            #expect(!post.body.contains("canary"))
            return post.body
        }
        let sent = try StageVersion.read(Data(body.utf8))
        #expect(sent.asCurrent == true)
        let text = try opened(SealedValue(encryptedValue: sent.encryptedValue, keyID: sent.keyID), with: pair)
        #expect(text.contains(#""target":"openai-prod""#))
        #expect(text.hasSuffix(#""credential":{"key":"sk-canary-0123456789"}}"#))
    }

    @Test func `a key that is not the pinned one gets nothing`() async throws {
        let pinned = BoxKeyPair(random: SystemRandom())
        let offered = BoxKeyPair(random: SystemRandom())
        let answer = #"{"key":"\#(Data(offered.publicKey.bytes).base64EncodedString())","key_id":"\#(offered.publicKey.id)"}"#
        let pin = Data(pinned.publicKey.bytes).base64EncodedString()
        try await FakeDaemon.serving { _ in
            .json(200, answer)
        } _: { fake in
            let ran = await keyturn("stage", "a", "--stdin", "--intake-key", pin, at: fake.socketPath)
            #expect(ran.status == .failed)
            #expect(fake.requests.map(\.target) == ["/v1/intake-key"])
        }
    }

    @Test func `offline it needs no daemon, and can expire`() async throws {
        let pair = BoxKeyPair(random: SystemRandom())
        let folder = try ThrowawayFolder()
        defer { folder.remove() }
        let file = try folder.file("token", "rt-1")
        let ran = await keyturn(
            "encrypt", "--to", Data(pair.publicKey.bytes).base64EncodedString(), "--for-upstream", "fb", "--refresh-token", "--file", file,
            "--expires", "1d")
        #expect(ran.status == .done)
        let value = try WireJSON.decode(SealedValue.self, from: Data(ran.output.utf8))
        let text = try opened(value, with: pair)
        #expect(text.contains(#""purpose":"upstream-token","target":"fb""#))
        #expect(!text.contains("null"))
        #expect(text.hasSuffix(#""credential":{"refresh_token":"rt-1"}}"#))
    }
}

private func guarded(_ text: String) -> Secret {
    Secret(count: text.utf8.count) { $0.copyBytes(from: text.utf8) }
}

/// The envelope in a box, as only the vault sees it.
private func opened(_ value: SealedValue, with pair: borrowing BoxKeyPair) throws -> String {
    #expect(value.keyID == pair.publicKey.id)
    let box = try #require(Data(base64Encoded: value.encryptedValue))
    return try pair.open(Array(box)).withBytes { bytes in String(decoding: (0..<bytes.byteCount).map { bytes.byte($0) }, as: UTF8.self) }
}
