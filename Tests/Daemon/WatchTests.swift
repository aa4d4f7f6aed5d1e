import FlashbackStandIn
import Glibc
import TestProcesses
import Testing

@Suite(.timeLimit(.minutes(10))) struct `Watching` {
    @Test func `each step comes as a line of JSON, durable ones also across a restart`() async throws {
        try await Scene.with(.patient) { scene in
            let watch = try scene.keyturn.begin(["watch", "--json"])
            try await scene.until("the stream is there") {
                String(decoding: scene.keyturn.whatCanBeSeen()["the socket"] ?? [], as: UTF8.self).contains(": connected")
            }
            // Something durable first, from which the watch goes on.
            try await scene.done(["config", "set", Scene.config, "--description", "watched"])
            try await scene.until("the first event") { watch.outputSoFar.contains("config.changed") }
            scene.standIn.order(.gate, for: .put)
            _ = try await scene.rotate("--no-wait")
            await scene.standIn.waitFor(1, of: .put)
            try await scene.keyturn.kill()
            try await scene.keyturn.start()
            try await scene.until("the last event") { watch.outputSoFar.contains("rotation.succeeded") }
            // Steps that are not durable are seen by who is connected.
            try await scene.stage(Canary(key: "key"))
            try await scene.until("the stream is back") { watch.outputSoFar.ranges(of: "version.staged").count == 1 }
            #expect(try await scene.rotate().status == 0)
            try await scene.until("the second one's end") { watch.outputSoFar.ranges(of: "rotation.succeeded").count == 2 }
            watch.process.send(SIGTERM)
            let lines = try await watch.result().output.split(separator: "\n").map { try Document(String($0)) }
            #expect(lines.allSatisfy { $0["at"].text != nil && $0["config"].text == Scene.config })
            let events = lines.compactMap { $0["event"].text }
            for (event, count) in [("rotation.requested", 2), ("rotation.continued", 1), ("rotation.succeeded", 2)] {
                #expect(events.filter { $0 == event }.count == count, "\(event) in \(events)")
            }
            #expect(lines.contains { $0["event"].text == "rotation.step" && $0["state"].text == "applying" })
            #expect(lines.contains { $0["event"].text == "rotation.step" && $0["state"].text == "proving" })
        }
    }
}
