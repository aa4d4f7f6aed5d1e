import FlashbackStandIn
import TestProcesses
import Testing

@Suite(.timeLimit(.minutes(10))) struct `Callers at the same time` {
    @Test func `a second one joins the running rotation`() async throws {
        try await Scene.with(.patient) { scene in
            scene.standIn.order(.gate, for: .put)
            let first = try scene.beginRotating()
            await scene.standIn.waitFor(1, of: .put)
            let glance = try await scene.rotate("--no-wait")
            #expect(try glance.status == 0 && glance.document["state"].text == "running")
            let second = try scene.beginRotating()
            // Released sooner, the rotation could end before the second one is heard.
            try await scene.until("both have joined") { scene.keyturn.log.ranges(of: "event=rotation.joined").count == 2 }
            scene.standIn.release()
            let (one, two) = (try await first.result(), try await second.result())
            #expect(one.status == 0 && two.status == 0, "\(one.errors)\(two.errors)")
            #expect(try one.document["id"].text == two.document["id"].text)
            #expect(try one.document["id"].text == glance.document["id"].text)
            #expect(scene.standIn.count(of: .put) == 1)
        }
    }

    @Test(arguments: [
        ["rollback"], ["prove"], ["remote", "--endpoint", "https://api.example.com"], ["rotate", "--compromised"],
        ["config remove", "--yes"],
        ["discard", "2", "--yes"], ["config set", "--id", "other"],
    ]) func `what can't be done beside it is refused and changes nothing`(_ words: [String]) async throws {
        try await Scene.with(.patient) { scene in
            scene.standIn.order(.gate, for: .put)
            let first = try scene.beginRotating()
            await scene.standIn.waitFor(1, of: .put)
            let command = words[0].split(separator: " ").map(String.init) + [Scene.config] + words.dropFirst() + ["--json"]
            let run = try await scene.keyturn.keyturn(command)
            #expect(run.status == 1)
            #expect(try run.problem.code == "rotation-in-progress")
            scene.standIn.release()
            #expect(try await first.result().status == 0)
            #expect(try await scene.versions() == [1: "previous", 2: "current"])
        }
    }

    @Test func `two configs of one backend rotate side by side`() async throws {
        try await Scene.with(.patient) { scene in
            scene.standIn.addConfiguration(id: "second", name: "second", key: "something")
            try await scene.addConfig("anthropic-prod", id: "second")
            let other = Canary(key: "key")
            try await scene.stage(other, for: "anthropic-prod")
            scene.standIn.order(.gate, for: .put, id: Scene.remoteID)
            let slow = try scene.beginRotating()
            await scene.standIn.waitFor(1, of: .put)
            let quick = try await scene.rotate(config: "anthropic-prod")
            #expect(quick.status == 0, "\(quick.errors)")
            #expect(scene.held("second") == other.text)
            #expect(try await scene.rotation(in: "running")["step"].text == "applying")
            scene.standIn.release()
            #expect(try await slow.result().status == 0)
        }
    }

    @Test func `one slow backend does not hold up another's`() async throws {
        try await Scene.with(.patient) { scene in
            var options = Options()
            options.bearers = [scene.bearer.text]
            let second = try await StandIn.start(options)
            second.addConfiguration(id: Scene.remoteID, name: "the same id elsewhere", key: "something")
            try await scene.addUpstream("fb2", at: second)
            // More rotations than one backend may have under way at once.
            for number in 1...10 {
                scene.standIn.addConfiguration(id: "slow-\(number)", name: "slow-\(number)", key: "something")
                try await scene.addConfig("slow-\(number)", id: "slow-\(number)")
                try await scene.stage(Canary(key: "key"), for: "slow-\(number)")
            }
            try await scene.addConfig("quick", id: Scene.remoteID, upstream: "fb2")
            let other = Canary(key: "key")
            try await scene.stage(other, for: "quick")
            scene.standIn.order(.gate, for: .put, times: .max)
            for number in 1...10 { _ = try await scene.rotate("--no-wait", config: "slow-\(number)") }
            await scene.standIn.waitFor(8, of: .put)
            let run = try await scene.rotate(config: "quick")
            #expect(run.status == 0, "\(run.errors)")
            #expect(second.held(Scene.remoteID)?.key == other.text)
            #expect(scene.standIn.count(of: .put) == 8, "no more at once than the window is wide")
            scene.standIn.clearOrders()
            scene.standIn.release()
            for number in 1...10 { try await scene.rotation(of: "slow-\(number)", in: "succeeded") }
            await second.stop()
        }
    }
}
