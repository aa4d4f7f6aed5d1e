import FlashbackStandIn
import TestProcesses
import Testing

@Suite(.timeLimit(.minutes(10))) struct `A backend that is never reached` {
    @Test func `can be corrected: what waits for it is cancelled, as the error says, and the key goes to the right one`() async throws {
        try await Scene.with { scene in
            await scene.standIn.closeListener()
            let rotated = try await scene.rotate()
            #expect(try rotated.status == 1 && rotated.document["state"].text == "waiting", "\(rotated.errors)")
            let authority = try scene.keyturn.folder.file("right.pem", Array(scene.standIn.caPEM.utf8))
            let correction = [
                "upstream", "set", Scene.upstream, "--base-url", "https://localhost:\(scene.standIn.port)", "--ca-file", authority,
                "--token-stdin", "--json",
            ]
            let refused = try await scene.keyturn.keyturn(correction, input: scene.bearer.text)
            let step = try #require(try refused.problem["next_step"].text)
            #expect(try refused.problem.code == "binding-in-use" && step.hasPrefix("keyturn cancel "))
            try await scene.done(step.split(separator: " ").dropFirst().map(String.init))
            #expect(try await scene.versions() == [1: "current", 2: "staged"])
            try await scene.done(correction, input: scene.bearer.text)
            try await scene.standIn.reopen()
            #expect(try await scene.rotate().status == 0 && scene.held == "new")
        }
    }
}
