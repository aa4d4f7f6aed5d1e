import FlashbackStandIn
import TestProcesses
import Testing

@Suite(.timeLimit(.minutes(10))) struct `Versions and their grace` {
    @Test func `without grace the old one is erased in the commit itself`() async throws {
        try await Scene.with(.init { $0.grace = "0s" }) { scene in
            let run = try await scene.rotate()
            #expect(run.status == 0, "\(run.errors)")
            #expect(try await scene.versions() == [1: "retired", 2: "current"])
            #expect(try await scene.keyturn.keyturn("rollback", Scene.config, "--json").problem.code == "unknown-version")
        }
    }

    @Test func `not while the new one is unproven; once it is proven, it goes`() async throws {
        try await Scene.with(.init { $0.grace = "0s" }) { scene in
            scene.standIn.order(.status(501), for: .validate, times: .max)
            #expect(try await scene.rotate().document["proof"].text == "unproven")
            #expect(try await scene.versions() == [1: "previous", 2: "current"])
            scene.standIn.clearOrders()
            let proof = try await scene.keyturn.keyturn("prove", Scene.config, "--json")
            #expect(proof.status == 0, "\(proof.errors)")
            #expect(try proof.document["proof"].text == "proven")
            #expect(try await scene.versions() == [1: "retired", 2: "current"])
        }
    }

    @Test func `after its grace it is erased`() async throws {
        try await Scene.with(.init { $0.grace = "1s" }) { scene in
            #expect(try await scene.rotate().status == 0)
            // The daemon looks when it starts, and again when something will be due.
            try await scene.keyturn.kill()
            try await scene.keyturn.start()
            try await scene.until("version 1 is retired") { try await scene.versions()[1] == "retired" }
            let erased = try await scene.audit().first { $0["event"].text == "version.erased" }
            #expect(erased?["version"].number == 1, "not with the rotation, but by a look of the daemon's own")
        }
    }

    @Test func `a rollback puts the previous one again, as a new version`() async throws {
        try await Scene.with { scene in
            #expect(try await scene.rotate().status == 0)
            let run = try await scene.keyturn.keyturn("rollback", Scene.config, "--json")
            #expect(run.status == 0, "\(run.errors)")
            #expect(try run.document["version"].number == 3 && run.document["kind"].text == "rollback")
            #expect(try await scene.versions() == [1: "retired", 2: "previous", 3: "current"])
            #expect(scene.held == "old")
        }
    }

    @Test func `a rollback that fails leaves everything as it was`() async throws {
        try await Scene.with { scene in
            #expect(try await scene.rotate().status == 0)
            scene.standIn.order(.status(403), for: .put, times: .max)
            #expect(try await scene.keyturn.keyturn("rollback", Scene.config).status == 1)
            let versions = try await scene.versions()
            #expect(versions[1] == "previous" && versions[2] == "current" && versions[3] == "discarded")
            #expect(scene.held == "new")
        }
    }

    @Test func `prove sees a broken key and changes nothing`() async throws {
        try await Scene.with { scene in
            #expect(try await scene.rotate().status == 0)
            scene.standIn.order(.successFalse(message: "Expired", stores: false), for: .validate, times: .max)
            let run = try await scene.keyturn.keyturn("prove", Scene.config, "--json")
            #expect(run.status == 1)
            #expect(try run.document["state"].text == "failed" && run.document["kind"].text == "prove")
            #expect(try await scene.version(2)["proof"].text == "failed")
            #expect(scene.standIn.count(of: .put) == 1 && scene.held == "new")
            scene.standIn.clearOrders()
            #expect(try await scene.keyturn.keyturn("prove", Scene.config).status == 0)
            #expect(try await scene.version(2)["proof"].text == "proven")
        }
    }

    @Test func `an adopted key is unproven, even when a key works there`() async throws {
        try await Scene.with(.init { $0.stages = false }) { scene in
            #expect(scene.standIn.count(of: .put) == 0)
            let run = try await scene.keyturn.keyturn("prove", Scene.config, "--json")
            #expect(try run.status == 0 && run.document["proof"].text == "unproven")
        }
    }

    @Test func `remote changes the non-secret fields, and they go back with a key that does not work`() async throws {
        try await Scene.with(.init { $0.stages = false }) { scene in
            let run = try await scene.keyturn.keyturn("remote", Scene.config, "--name", "renamed", "--json")
            #expect(run.status == 0, "\(run.errors)")
            #expect(scene.standIn.held(Scene.remoteID)?.name == "renamed" && scene.held == "old")
            #expect(try await scene.keyturn.keyturn("remote", Scene.config, "--endpoint", "nonsense").status == 1)
            #expect(scene.standIn.held(Scene.remoteID)?.endpoint == nil)
            let bad = Canary(key: "bad")
            scene.remember(bad)
            let json = #"{"key":\#(quoted(bad.text)),"name":"tried"}"#
            try await scene.done(["stage", Scene.config, "--stdin"], input: json)
            #expect(try await scene.rotate().status == 1)
            #expect(scene.standIn.held(Scene.remoteID)?.name == "renamed" && scene.held == "old")
        }
    }

    @Test func `a key and its secret travel together`() async throws {
        try await Scene.with(
            .init {
                $0.knowsOld = false; $0.stages = false
            }
        ) { scene in
            let (key, secret) = (Canary(key: "key"), Canary(key: "sec"))
            for canary in [key, secret] { scene.remember(canary) }
            let json = #"{"key":\#(quoted(key.text)),"secret":\#(quoted(secret.text))}"#
            try await scene.done(["stage", Scene.config, "--stdin"], input: json)
            #expect(try await scene.rotate().status == 0)
            #expect(scene.standIn.held(Scene.remoteID)?.key == key.text && scene.standIn.held(Scene.remoteID)?.secret == secret.text)
        }
    }

    @Test func `a staged one can be discarded, and a current one can't`() async throws {
        try await Scene.with { scene in
            #expect(try await scene.keyturn.keyturn("discard", Scene.config, "1", "--yes").status != 0)
            try await scene.done(["discard", Scene.config, "2", "--yes"])
            #expect(try await scene.versions() == [1: "current", 2: "discarded"])
            #expect(try await scene.rotate().problem.code == "nothing-staged")
        }
    }

    @Test func `a box made elsewhere is staged once`() async throws {
        try await Scene.with(.init { $0.stages = false }) { scene in
            let key = Canary(key: "key")
            scene.remember(key)
            let intake = try #require(try await scene.keyturn.keyturn("intake-key", "--json").document["key"].text)
            let box = try await scene.keyturn.keyturn("encrypt", "--to", intake, "--for", Scene.config, input: key.text)
            let file = try scene.keyturn.folder.file("box.json", Array(box.output.utf8))
            try await scene.done(["stage", Scene.config, "--sealed", file])
            let again = try await scene.keyturn.keyturn("stage", Scene.config, "--sealed", file, "--json")
            #expect(again.status == 1)
            #expect(try again.problem.code == "wrong-box")
            #expect(try await scene.rotate().status == 0)
            #expect(scene.held == key.text)
        }
    }
}

/// A text as a JSON string.
func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
}
