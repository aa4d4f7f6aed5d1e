import FakeDaemon
import Testing

@testable import keyturn

@Suite struct `A next step` {
    @Test(arguments: [
        ("/run/keyturn/keyturn.sock", "keyturn --socket /run/keyturn/keyturn.sock rotate a"),
        ("it's here.sock", #"keyturn --socket 'it'\''s here.sock' rotate a"#),
        ("$HOME/s", "keyturn --socket '$HOME/s' rotate a"),
    ])
    func `goes to the same daemon when pasted, whatever its socket is called`(_ socket: String, _ pasted: String) {
        #expect(PastedCommand(socket: socket).text("keyturn rotate a") == pasted)
        #expect(PastedCommand(socket: nil).text("keyturn rotate a") == "keyturn rotate a")
        #expect(PastedCommand(socket: socket).text("journalctl -u keyturnd") == "journalctl -u keyturnd")
        #expect(PastedCommand(socket: socket).text("keyturn help remote") == "keyturn help remote")
    }

    @Test func `repeats the flag, and leaves the environment to say it again`() async throws {
        try await FakeDaemon.serving { _ in
            problem("key-rejected", 422)
        } _: { fake in
            let flagged = await keyturn("rotate", "a", "--socket", fake.socketPath, at: "/nonexistent/s")
            #expect(flagged.errors == "keyturn: It is so.\n  try: keyturn --socket \(fake.socketPath) versions a\n")
            let inEnvironment = await keyturn("rotate", "a", at: fake.socketPath)
            #expect(inEnvironment.errors == "keyturn: It is so.\n  try: keyturn versions a\n")
        }
    }

    @Test func `after a lost connection is to look what happened, where something can have`() async throws {
        try await FakeDaemon.serving { _ in
            .breakOff
        } _: { fake in
            let changing = await keyturn("cancel", "01JDG0000000000000000000AA", at: fake.socketPath)
            #expect(changing.errors.contains("may have happened.\n  try: keyturn history\n"), "\(changing.errors)")
            let reading = await keyturn("status", at: fake.socketPath)
            #expect(reading.status == .unreachable)
            #expect(reading.errors.hasPrefix("keyturn: The daemon at \(fake.socketPath) did not answer"), "\(reading.errors)")
            #expect(reading.errors.hasSuffix(".\n  try: keyturn doctor\n") && !reading.errors.contains("happened"), "\(reading.errors)")
        }
    }

    @Test func `stands in history and with a version list`() async throws {
        let stuck = rotation("stuck").replacing(#""warnings""#, with: #""next_step":"keyturn resolve X --retry","warnings""#)
        try await FakeDaemon.serving { request in
            request.target.hasPrefix("/v1/rotations")
                ? .json(200, #"{"items":[\#(stuck)],"next":null}"#)
                : .json(
                    200,
                    config("a", more: #","next_step":"keyturn stage a","reason":"r""#).replacing(
                        #""versions":[]"#, with: #""versions":[{"version":1,"state":"current","created_at":"t","compromised":false}]"#))
        } _: { fake in
            #expect(
                await keyturn("history", "a", "--socket", fake.socketPath).output.contains("keyturn --socket \(fake.socketPath) resolve X"))
            #expect(
                await keyturn("versions", "a", "--socket", fake.socketPath).errors == "  try: keyturn --socket \(fake.socketPath) stage a\n"
            )
        }
    }
}

@Suite struct `Help` {
    @Test(arguments: ["nosuch", "rotate nosuch", "config nosuch"]) func `about what there is not is a mistake`(_ topic: String) async {
        let words = ["help"] + topic.split(separator: " ").map(String.init)
        let ran = await Entry.run(
            words, in: .init(environment: [:], output: .init(isTerminal: false) { _ in }, errors: .init(isTerminal: false) { _ in }))
        #expect(ran == .usage)
    }

    @Test(arguments: ["", "rotate", "config set", "help"]) func `about what there is, is no mistake`(_ topic: String) async {
        let words = ["help"] + topic.split(separator: " ").map(String.init)
        let ran = await Entry.run(
            words, in: .init(environment: [:], output: .init(isTerminal: false) { _ in }, errors: .init(isTerminal: false) { _ in }))
        #expect(ran == .done)
    }

    @Test func `of resolve and encrypt shows what excludes what`() async {
        #expect(await keyturn("help", "resolve").output.contains("(--retry | --applied | --not-applied)"))
        #expect(await keyturn("help", "encrypt").output.contains("(--for <config> | --for-upstream <name>"))
    }
}
