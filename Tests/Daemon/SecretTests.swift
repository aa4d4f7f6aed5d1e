import FlashbackStandIn
import Foundation
import TestProcesses
import Testing

@Suite(.timeLimit(.minutes(10))) struct `The search for secrets` {
    @Test(arguments: ["plain", "base64", "shifted base64", "hex", "JSON"]) func `finds what was planted, in every form`(_ form: String)
        async throws
    {
        try await Installation.with { keyturn in
            let canary = Canary(key: "key")
            #expect(CanarySearch([canary]).findings(in: keyturn.whatCanBeSeen()) == [])
            let planted =
                switch form {
                case "plain": "a line with \(canary.text) in it"
                case "base64": Data(canary.text.utf8).base64EncodedString()
                case "shifted base64": Data("{\"key\":\"\(canary.text)\"}".utf8).base64EncodedString()
                case "hex": canary.text.utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
                default: String(decoding: try JSONEncoder().encode([canary.text]), as: UTF8.self)
                }
            try keyturn.folder.file("planted", Array(planted.utf8))
            let findings = CanarySearch([canary]).findings(in: keyturn.whatCanBeSeen())
            #expect(!findings.isEmpty && findings.allSatisfy { $0.hasSuffix("in planted") })
        }
    }

    @Test func `finds what went over the socket, into the log, an argument or the name of a file`() async throws {
        try await Scene.with { scene in
            let places = [Canary(key: "a"), Canary(bearer: "b"), Canary(bearer: "c")]
            _ = try await scene.keyturn.call("GET", "/v1/whoami", headers: ["X-Planted: \(places[1].text)"])
            _ = try await scene.keyturn.keyturn("versions", places[0].text)
            try scene.keyturn.folder.file(String(places[2].text.suffix(32)), [])
            let findings = CanarySearch(places).findings(in: scene.keyturn.whatCanBeSeen())
            #expect(findings.contains { $0.hasPrefix("'a-") && $0.hasSuffix("in the process list") })
            #expect(findings.contains { $0.hasPrefix("'b.") && $0.hasSuffix("in the socket") })
            #expect(findings.contains { $0.hasPrefix("'c.") && $0.hasSuffix("in the names of files") })
            #expect(!findings.contains { $0.contains(".log") || $0.contains("run-") }, "a value in the wrong place is not repeated")
        }
    }

    @Test func `there is something to search: each place is there and filled`() async throws {
        try await Scene.with { scene in
            let run = try await scene.rotate()
            #expect(run.status == 0, "\(run.errors)")
            let places = scene.keyturn.whatCanBeSeen()
            for name in ["vault/vault.db", "keyturnd.log", "the socket", "the process list", "run-1.out"] {
                #expect(places[name]?.isEmpty == false, "\(name)")
            }
            let shown = String(decoding: places["the process list"] ?? [], as: UTF8.self)
            #expect(shown.contains("keyturnd") && shown.contains("--vault") && shown.contains("PATH="))
        }
    }
}

@Suite(.timeLimit(.minutes(10))) struct `No secret out` {
    @Test func `a command that holds a secret shows none to the kernel`() async throws {
        try await Scene.with(.patient) { scene in
            scene.standIn.order(.gate, for: .put)
            let rotate = try scene.beginRotating()
            await scene.standIn.waitFor(1, of: .put)
            let shown = rotate.process.shownByTheKernel() + (scene.keyturn.daemon?.shownByTheKernel() ?? [])
            #expect(!shown.isEmpty)
            #expect(scene.search.findings(in: ["the kernel's view": shown]) == [])
            scene.standIn.release()
            #expect(try await rotate.result().status == 0)
        }
    }

    /// The backend's own words, with every secret in play in them: scrubbed before they are stored or shown.
    @Test(arguments: [400, 403, 401, 500, 200]) func `a message that quotes all secrets comes back without them`(_ status: Int) async throws
    {
        try await Scene.with { scene in
            let secrets = [scene.old, scene.new, scene.bearer]
            let said = secrets.map { "\($0.text), \(Data($0.text.utf8).base64EncodedString())" }.joined(separator: "; ")
            let hex = secrets.map { $0.text.utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() }.joined(
                separator: " ")
            for call in [Call.put, .validate] {
                scene.standIn.order(.status(status, body: #"{"success":false,"message":\#(quoted(said))}"#), for: call, times: 1)
                scene.standIn.order(.status(status, body: #"{"success":false,"message":"\#(hex)"}"#), for: call, times: .max)
            }
            let run = try await scene.rotate()
            #expect(run.status == 1)
            for command in [
                ["history", Scene.config], ["history", "--rotation", try run.document["id"].text ?? ""], ["audit"], ["status"],
                ["config", "show", Scene.config],
            ] {
                _ = try await scene.keyturn.keyturn(command)
            }
            #expect(run.output.contains("***"), "the message is there, and masked: \(run.output)")
        }
    }

    @Test func `a secret that is pasted into the wrong place is not repeated`() async throws {
        try await Scene.with { scene in
            let pasted = Canary(bearer: "oops")
            for command in [
                ["rotate", pasted.text], ["stage", pasted.text, "--stdin"],
                ["config", "set", "a", "--upstream", pasted.text, "--id", "x", "--ai-type", "OPENAI"],
                ["config", "set", "a", "--upstream", "fb", "--id", pasted.text, "--ai-type", "OPENAI"],
                ["config", "set", "a", "--upstream", "fb", "--id", "x", "--ai-type", pasted.text],
                ["config", "set", "a", "--every", pasted.text],
                ["upstream", "set", "a", "--base-url", pasted.text], [pasted.text], ["stage", Scene.config, pasted.text],
                ["history", "--rotation", pasted.text],
                ["stage", Scene.config, "--key", pasted.text], ["stage", Scene.config, "--key=\(pasted.text)"],
            ] {
                for format in [[], ["--json"]] {
                    let run = try await scene.keyturn.keyturn(command + format)
                    #expect(run.status == 2, "\(command.first ?? "")")
                    #expect(CanarySearch([pasted]).findings(in: ["the output": Array((run.output + run.errors).utf8)]) == [])
                }
            }
        }
    }
}
