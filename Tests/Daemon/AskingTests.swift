import FlashbackStandIn
import TestProcesses
import Testing

@Suite(.timeLimit(.minutes(10))) struct `Asking for a rotation` {
    @Test func `a config without a schedule is not due: exit 5 and no rotation`() async throws {
        try await Scene.with { scene in
            let run = try await scene.rotate("--if-due")
            #expect(run.status == 5)
            #expect(try run.document["rotated"].bool == false && run.document.has("due_at"))
            try await scene.done(["config", "set", Scene.config, "--every", "30d"])
            let later = try await scene.rotate("--if-due")
            #expect(later.status == 5)
            #expect(try later.document["due_at"].text != nil)
            try await scene.done(["pause", Scene.config])
            #expect(try await scene.rotate("--if-due").status == 5)
            let paused = try await scene.rotate()
            #expect(paused.status == 1)
            #expect(try paused.problem.code == "paused")
            try await scene.done(["resume", Scene.config])
            #expect(try await scene.keyturn.keyturn("rotate", "--all-due").status == 5)
            #expect(scene.standIn.count(of: .put) == 0)
            #expect(try await scene.rotate().status == 0)
        }
    }

    @Test func `one that is not waited for is answered with what runs`() async throws {
        try await Scene.with(.patient) { scene in
            scene.standIn.order(.gate, for: .put)
            let run = try await scene.rotate("--no-wait")
            #expect(run.status == 0 && run.errors.isEmpty)
            #expect(try run.document["state"].text == "running" && run.document["ended_at"].isNull)
            await scene.standIn.waitFor(1, of: .put)
            scene.standIn.release()
            #expect(try await scene.rotation(in: "succeeded")["id"].text == run.document["id"].text)
        }
    }

    @Test func `the same Idempotency-Key gets the same rotation back, another request under it is refused`() async throws {
        try await Scene.with { scene in
            let first = try await scene.rotate("--idempotency-key", "once")
            try await scene.stage(Canary(key: "key"))
            let second = try await scene.rotate("--idempotency-key", "once")
            #expect(first.status == 0 && second.status == 0)
            #expect(try first.document["id"].text == second.document["id"].text)
            #expect(try await scene.versions() == [1: "previous", 2: "current", 3: "staged"])
            let other = try await scene.rotate("--idempotency-key", "once", "--compromised")
            #expect(other.status == 2)
            #expect(try other.problem.code == "idempotency-mismatch")
        }
    }

    @Test func `a dry run says what would happen, and nothing does`() async throws {
        try await Scene.with { scene in
            let run = try await scene.rotate("--dry-run")
            #expect(try run.status == 0 && run.document["rotated"].bool == false && run.document["version"].number == 2)
            #expect(scene.standIn.count(of: .put) == 0)
            #expect(try await scene.versions() == [1: "current", 2: "staged"])
        }
    }

    @Test func `nothing staged is said, with what to do`() async throws {
        try await Scene.with(.init { $0.stages = false }) { scene in
            let run = try await scene.rotate()
            #expect(run.status == 1)
            #expect(try run.problem.code == "nothing-staged" && run.problem["next_step"].text == "keyturn stage \(Scene.config)")
        }
    }

    @Test func `the oldest staged version goes first, and each once`() async throws {
        try await Scene.with { scene in
            let third = Canary(key: "key")
            try await scene.stage(third)
            #expect(try await scene.rotate().document["version"].number == 2)
            #expect(scene.held == "new")
            #expect(try await scene.rotate().document["version"].number == 3)
            #expect(scene.held == third.text)
            #expect(try await scene.versions() == [1: "previous", 2: "previous", 3: "current"])
        }
    }

    @Test func `after a rejected key the config is held until somebody stages another`() async throws {
        try await Scene.with(.init { $0.newKey = "bad" }) { scene in
            #expect(try await scene.rotate().status == 1)
            let config = try await scene.keyturn.keyturn("config", "show", Scene.config, "--json").document
            #expect(config["state"].text == "failed" && config["reason"].text != nil && config["next_step"].text != nil)
            #expect(try await scene.keyturn.keyturn("status").status == 1)
            try await scene.stage(Canary(key: "key"))
            #expect(try await scene.keyturn.keyturn("status").status == 0)
            #expect(try await scene.rotate().status == 0)
        }
    }

    @Test func `a token that is set wakes the rotations that wait for it`() async throws {
        try await Scene.with { scene in
            let fresh = Canary(bearer: "tok")
            scene.remember(fresh)
            scene.standIn.setBearers([fresh.text])
            #expect(try await scene.rotate().document["state"].text == "waiting")
            try await scene.done(["upstream", "set", Scene.upstream, "--token-stdin"], input: fresh.text)
            try await scene.rotation(in: "succeeded")
            #expect(scene.held == "new")
        }
    }

    @Test func `a rotation by hand wakes a waiting one at once`() async throws {
        try await Scene.with { scene in
            scene.standIn.order(.status(500), for: .put, times: .max)
            let first = try await scene.rotate()
            #expect(try first.document["state"].text == "waiting")
            scene.standIn.clearOrders()
            let second = try await scene.rotate()
            #expect(second.status == 0, "\(second.errors)")
            #expect(try first.document["id"].text == second.document["id"].text)
        }
    }

    @Test func `a refresh token is used by itself, and its successor next time`() async throws {
        try await Scene.with(.init { $0.refreshes = true }) { scene in
            #expect(try await scene.rotate().status == 0)
            scene.standIn.expireBearers()
            try await scene.stage(Canary(key: "key"))
            let run = try await scene.rotate()
            #expect(run.status == 0, "\(run.errors)")
            #expect(scene.standIn.count(of: .refresh) == 2)
            let upstream = try await scene.keyturn.keyturn("upstream", "show", Scene.upstream, "--json").document
            #expect(upstream["bearer"].text == "refresh-token" && upstream["token_expires_at"].text != nil)
        }
    }

    @Test func `a rotation whose refresh was not answered goes on with the next one that is`() async throws {
        try await Scene.with(.init { $0.refreshes = true }) { scene in
            let other = "660e8400-e29b-41d4-a716-446655440000"
            scene.standIn.addConfiguration(id: other, name: "other", key: "old-other")
            try await scene.addConfig("other", id: other)
            try await scene.stage(Canary(key: "key"), for: "other")
            scene.standIn.order(.status(401), for: .put, times: 1)
            scene.standIn.order(.status(503), for: .refresh, times: 1)
            let run = try await scene.rotate()
            #expect(try run.document["state"].text == "waiting" && run.problem.code == "upstream-unreachable")
            let shown = try await scene.keyturn.keyturn("status")
            #expect(shown.output.contains("the token could not be refreshed: the backend answered 503"), "\(shown.output)")
            #expect(shown.output.contains("keyturn rotate \(Scene.config)"), "\(shown.output)")
            scene.standIn.order(.status(401), for: .put, times: 1)
            #expect(try await scene.rotate(config: "other").status == 0)
            try await scene.rotation(in: "succeeded")
            #expect(scene.held == "new")
        }
    }

    @Test func `a refresh token that is not taken leaves the rotation waiting`() async throws {
        try await Scene.with(.init { $0.refreshes = true }) { scene in
            scene.standIn.expireBearers()
            scene.standIn.setRefreshTokens([])
            let run = try await scene.rotate()
            #expect(run.status == 1)
            #expect(try run.document["state"].text == "waiting" && run.problem.code == "upstream-auth")
            #expect(try await scene.versions() == [1: "current", 2: "pending"])
        }
    }

    @Test func `a refresh token that is not taken shows with the reason, until there is another`() async throws {
        try await Scene.with(.init { $0.refreshes = true }) { scene in
            scene.standIn.expireBearers()
            scene.standIn.setRefreshTokens([])
            _ = try await scene.rotate()
            let lost = try await scene.keyturn.keyturn("upstream", "show", Scene.upstream, "--json").document["bearer_lost"]
            #expect(lost["reason"].text == "the refresh was refused: the backend answered 401" && lost["at"].text != nil)
            #expect(lost["next_step"].text == "keyturn upstream set \(Scene.upstream) --token-stdin")
            #expect(try await scene.keyturn.keyturn("status", "--json").document["bearers_lost"].items.count == 1)
            let step = "keyturn --socket \(scene.keyturn.proxySocket) upstream set \(Scene.upstream) --token-stdin"
            for command in [["upstream", "list"], ["upstream", "show", Scene.upstream], ["status"]] {
                let shown = try await scene.keyturn.keyturn(command + ["--socket", scene.keyturn.proxySocket]).output
                #expect(shown.contains("the backend answered 401") && shown.contains(step), "\(command): \(shown)")
            }
            try await scene.done(["upstream", "set", Scene.upstream, "--token-stdin"], input: scene.bearer.text)
            #expect(try await scene.keyturn.keyturn("upstream", "show", Scene.upstream, "--json").document["bearer_lost"].text == nil)
            #expect(try await scene.keyturn.keyturn("status", "--json").document["bearers_lost"].items.isEmpty)
        }
    }

    @Test func `a bearer that was dropped with a change of trust says why`() async throws {
        try await Scene.with { scene in
            try await scene.done(["upstream", "set", Scene.upstream, "--pin", String(repeating: "0", count: 64)])
            let upstream = try await scene.keyturn.keyturn("upstream", "show", Scene.upstream, "--json").document
            #expect(upstream["bearer"].text == "none")
            #expect(upstream["bearer_lost"]["reason"].text == "it was given for another address, CA or pin")
        }
    }
}

@Suite(.timeLimit(.minutes(10))) struct `What only the backend's list shows` {
    @Test func `a configuration with a shared key can't be bound`() async throws {
        try await Scene.with(.init { $0.stages = false }) { scene in
            scene.standIn.addConfiguration(id: "shared", name: "shared", apiKeyID: "api-key-1")
            let run = try await scene.keyturn.keyturn(
                "config", "set", "shared", "--upstream", Scene.upstream, "--id", "shared", "--ai-type", "OPENAI", "--json")
            #expect(run.status == 1)
            #expect(try run.problem.code == "shared-key" && run.problem["next_step"].text != nil)
            #expect(try await scene.keyturn.keyturn("config", "show", "shared", "--json").problem.code == "unknown-config")
        }
    }

    @Test func `one that got a shared key since is refused before any PUT`() async throws {
        try await Scene.with { scene in
            scene.standIn.addConfiguration(id: Scene.remoteID, name: "production", key: scene.old.text, apiKeyID: "api-key-1")
            // The list may be ten minutes old; a restart forgets it.
            try await scene.keyturn.kill()
            try await scene.keyturn.start()
            let run = try await scene.rotate()
            #expect(run.status == 1)
            #expect(try run.problem.code == "shared-key")
            #expect(scene.standIn.count(of: .put) == 0)
            #expect(try await scene.versions() == [1: "current", 2: "staged"])
            let shown = try #require(try run.problem["next_step"].text)
            #expect(try await scene.keyturn.keyturn(shown.split(separator: " ").dropFirst().map(String.init)).status == 0)
            scene.standIn.addConfiguration(id: Scene.remoteID, name: "production", key: scene.old.text)
            #expect(try await scene.rotate().status == 0, "as soon as it has a key of its own")
        }
    }

    @Test(arguments: [Fault.status(404), .status(501), .html, .resetBeforeEffect]) func `a backend without the list is no obstacle`(
        _ fault: Fault
    ) async throws {
        try await Scene.with { scene in
            try await scene.keyturn.kill()
            scene.standIn.order(fault, for: .list, times: .max)
            try await scene.keyturn.start()
            let run = try await scene.rotate()
            #expect(run.status == 0, "\(run.errors)")
            #expect(scene.held == "new")
        }
    }

    @Test func `a configuration that is gone fails the rotation when validate does not find it`() async throws {
        try await Scene.with { scene in
            scene.standIn.order(.status(404), for: .validate, times: .max)
            scene.standIn.order(.status(200, body: #"{"success":true,"aiLlms":[]}"#), for: .list, times: .max)
            let run = try await scene.rotate()
            #expect(run.status == 1)
            #expect(try run.document["state"].text == "failed" && run.document["reason"].text?.contains("gone") == true)
            #expect(try await scene.versions() == [1: "current", 2: "staged"])
        }
    }
}

@Suite(.timeLimit(.minutes(10))) struct `Reaching the backend` {
    @Test func `one that refuses connections is waited for`() async throws {
        try await Scene.with { scene in
            await scene.standIn.closeListener()
            let run = try await scene.rotate()
            #expect(run.status == 1)
            #expect(try run.document["state"].text == "waiting" && run.document["reason"].text == "connection refused")
            #expect(try run.problem.code == "upstream-unreachable")
            #expect(try await scene.versions() == [1: "current", 2: "pending"])
            try await scene.standIn.reopen()
            #expect(try await scene.rotate().status == 0)
            #expect(scene.held == "new")
        }
    }

    @Test(arguments: [Options.CertificateKind.expired, .wrongName, .selfSigned])
    func `one whose certificate is not to be trusted gets no key`(
        _ certificate: Options.CertificateKind
    ) async throws {
        try await Scene.with(.init { $0.certificate = certificate }) { scene in
            let run = try await scene.rotate()
            #expect(run.status == 1)
            #expect(try run.document["state"].text == "waiting")
            #expect(scene.standIn.received.isEmpty)
            #expect(try await scene.versions() == [1: "current", 2: "pending"])
        }
    }

    @Test func `Retry-After is obeyed within the cycle`() async throws {
        let settings = Installation.quickSettings.replacing("cycle: 500ms", with: "cycle: 10s")
        try await Scene.with(.init { $0.settings = settings }) { scene in
            scene.standIn.order(.retryAfter(seconds: 1, status: 429), for: .put)
            let run = try await scene.rotate()
            #expect(run.status == 0, "\(run.errors)")
            let puts = scene.standIn.received(.put)
            #expect(puts.count == 2 && puts[1].at - puts[0].at >= .seconds(1))
        }
    }
}
