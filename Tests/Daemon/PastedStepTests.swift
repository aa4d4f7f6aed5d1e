import FlashbackStandIn
import Foundation
import Glibc
import TestProcesses
import Testing

/// What the real programs print as a next step, given to a shell as it stands.
@Suite(.timeLimit(.minutes(5))) struct `A next step that is pasted into a shell` {
    @Test func `goes to the daemon that it was printed for, and leads out of a stuck rotation`() async throws {
        try await Scene.with { scene in
            // A socket that a shell would trip over.
            let socket = "\(scene.keyturn.folder.path)/it's here.sock"
            try FileManager.default.createSymbolicLink(atPath: socket, withDestinationPath: scene.keyturn.proxySocket)
            scene.standIn.order(.noSuccess, for: .put)
            scene.standIn.order(.status(403), for: .put)
            let rotated = try await scene.keyturn.keyturn("rotate", Scene.config, "--socket", socket)
            #expect(rotated.status == 1 && rotated.errors.contains("stuck"))
            let status = try await scene.keyturn.keyturn("status", "--socket", socket)
            #expect(status.status == 1)
            let printed = try #require(rotated.errors.firstRange(of: "  try: ").map { rotated.errors[$0.upperBound...] })
            let step = printed.trimmingCharacters(in: .newlines)
            #expect(status.output.contains(step), "status shows the same")
            #expect(try await scene.keyturn.shell(step).status == 0)
            #expect(scene.held == "new")
            #expect(try await scene.versions() == [1: "previous", 2: "current"])
            #expect(try await scene.keyturn.keyturn("status", "--socket", socket).status == 0)
        }
    }

    @Test func `opens a vault that others could get at, and one that was not there`() async throws {
        try await Installation.with { keyturn in
            try await keyturn.start()
            try await keyturn.paste(from: "vault-missing")
            try await keyturn.untilOpen()
            try await keyturn.terminate()
            #expect(chmod(keyturn.vault, 0o750) == 0)
            try await keyturn.start()
            try await keyturn.paste(from: "vault-too-open")
            try await keyturn.untilOpen()
        }
    }

    @Test func `opens a vault by its passphrase, also where its counter is gone or a key file lies about`() async throws {
        try await Installation.with { keyturn in
            let passphrase = "correct horse battery staple"
            try await keyturn.initialise()
            try await keyturn.start()
            let slot = try #require(try await keyturn.keyturn("slot", "list", "--json").document["items"].items.first?["id"].text)
            #expect(try await keyturn.keyturn("slot", "add", "--passphrase", "--stdin", input: passphrase).status == 0)
            #expect(try await keyturn.keyturn("slot", "remove", slot, "--yes").status == 0)
            #expect(try await keyturn.keyturn("seal").status == 0)
            try await keyturn.pasteWithPassphrase(passphrase)
            try await keyturn.terminate()
            try FileManager.default.removeItem(atPath: "\(keyturn.vault).counter")
            try await keyturn.start()
            try await keyturn.pasteWithPassphrase(passphrase)
            #expect(try await keyturn.keyturn("status", "--json").document["sealed"].bool == false)
        }
    }
}

extension Installation {
    /// What `status` says to do about a sealed vault, done; it is sealed for the reason given.
    fileprivate func paste(from code: String) async throws {
        let status = try await keyturn("status", "--json").document
        try #require(status["sealed_code"].text == code, "\(status)")
        let run = try await shell(try #require(status["next_step"].text))
        #expect(run.status == 0, "\(run.errors)")
    }

    /// Follows the steps, each printed by the one before; where it is a passphrase that is asked for, it is piped in.
    fileprivate func pasteWithPassphrase(_ passphrase: String) async throws {
        var step = try #require(try await keyturn("status", "--json").document["next_step"].text)
        for _ in 1...3 {
            let words = step.split(separator: " ").dropFirst().map(String.init)
            let asks = words.contains("--passphrase")
            let run = try await keyturn(words + ["--json"] + (asks ? ["--stdin"] : []), input: asks ? passphrase : "")
            if run.status == 0 { return }
            step = try #require(try run.problem["next_step"].text, "\(run.errors)")
        }
        Issue.record("in circles, at last: \(step)")
    }

    fileprivate func untilOpen() async throws {
        let end = ContinuousClock.now + .seconds(90)
        while try await keyturn("status", "--json").document["sealed"].bool != false {
            try #require(ContinuousClock.now < end, "it does not open by itself")
            try await Task.sleep(for: .milliseconds(200))
        }
    }
}
