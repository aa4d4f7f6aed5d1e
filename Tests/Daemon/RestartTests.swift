import FlashbackStandIn
import Glibc
import TestProcesses
import Testing

@Suite(.timeLimit(.minutes(10))) struct `A daemon that is killed in the middle` {
    /// Where the daemon is killed, and what the backend had done by then.
    enum Moment: String, Sendable, CaseIterable {
        case putNotApplied, putApplied, proving, reverting, provingTheOldOne
    }

    @Test(arguments: Moment.allCases) func `resumes by itself, and nothing is lost`(_ moment: Moment) async throws {
        try await Scene.with(.patient) { scene in
            let backend = scene.standIn
            switch moment {
            case .putNotApplied: backend.order(.hangBeforeEffect, for: .put)
            case .putApplied: backend.order(.gate, for: .put)
            case .proving: backend.order(.gate, for: .validate)
            case .reverting:
                backend.order(.successFalse(message: "No", stores: true), for: .put)
                backend.order(.gate, for: .put)
            case .provingTheOldOne:
                backend.order(.successFalse(message: "No", stores: true), for: .put)
                backend.order(.gate, for: .validate)
            }
            let isReverting = moment == .reverting || moment == .provingTheOldOne
            let command = try scene.beginRotating()
            switch moment {
            case .putNotApplied, .putApplied: await backend.waitFor(1, of: .put)
            case .proving, .provingTheOldOne: await backend.waitFor(1, of: .validate)
            case .reverting: await backend.waitFor(2, of: .put)
            }
            try await scene.keyturn.kill()
            let run = try await command.result()
            #expect(run.status == 4, "nobody is there to answer, but: \(run.errors)")
            backend.release()
            try await scene.keyturn.start()
            let rotation = try await scene.rotation(in: isReverting ? "rejected" : "succeeded")
            #expect(rotation["version"].number == 2)
            #expect(try await scene.versions() == (isReverting ? [1: "current", 2: "rejected"] : [1: "previous", 2: "current"]))
            #expect(scene.held == (isReverting ? "old" : "new"))
            #expect(try await scene.audit().filter { $0["event"].text == "rotation.requested" }.count == 1)
        }
    }

    @Test(arguments: 1...4) func `after any of the backend's answers it comes to the same end`(_ requests: Int) async throws {
        try await Scene.with { scene in
            scene.standIn.order(.status(500), for: .put)
            let before = scene.standIn.count(of: .any)
            let command = try scene.beginRotating()
            await scene.standIn.waitFor(before + min(requests, 3), of: .any)
            try await scene.keyturn.kill()
            _ = try await command.result()
            try await scene.keyturn.start()
            try await scene.rotation(in: "succeeded")
            #expect(try await scene.versions() == [1: "previous", 2: "current"])
            #expect(scene.held == "new")
        }
    }

    @Test func `a waiting rotation begins a cycle at once when the daemon is back`() async throws {
        try await Scene.with { scene in
            scene.standIn.order(.status(503), for: .put, times: .max)
            #expect(try await scene.rotate().document["state"].text == "waiting")
            try await scene.keyturn.kill()
            scene.standIn.clearOrders()
            try await scene.keyturn.start()
            let rotation = try await scene.rotation(in: "succeeded")
            #expect(rotation["proof"].text == "proven" && scene.held == "new")
        }
    }

    @Test func `a refusal that follows is not believed, since the first PUT may have come through`() async throws {
        try await Scene.with(.patient) { scene in
            scene.standIn.order(.gate, for: .put)
            let command = try scene.beginRotating()
            await scene.standIn.waitFor(1, of: .put)
            try await scene.keyturn.kill()
            _ = try await command.result()
            scene.standIn.order(.status(403), for: .put, times: .max)
            try await scene.keyturn.start()
            let rotation = try await scene.rotation(in: "stuck")
            #expect(try await scene.versions() == [1: "current", 2: "pending"])
            scene.standIn.clearOrders()
            let id = try #require(rotation["id"].text)
            let resolved = try await scene.keyturn.keyturn("resolve", id, "--not-applied", "--json")
            #expect(try resolved.document["state"].text == "rejected", "\(resolved.errors) \(resolved.output)")
            #expect(scene.held == "old")
            #expect(try await scene.versions() == [1: "current", 2: "rejected"])
        }
    }

    @Test func `killed again and again it still gets there`() async throws {
        try await Scene.with(.patient) { scene in
            scene.standIn.order(.gate, for: .put, times: 3)
            _ = try await scene.rotate("--no-wait")
            for round in 1...3 {
                await scene.standIn.waitFor(round, of: .put)
                try await scene.keyturn.kill()
                try await scene.keyturn.start()
            }
            let rotation = try await scene.rotation(in: "succeeded")
            #expect(rotation["attempts"].number ?? 0 >= 4)
            #expect(try await scene.versions() == [1: "previous", 2: "current"])
        }
    }

    @Test func `the same Idempotency-Key finds its rotation after the restart`() async throws {
        try await Scene.with(.patient) { scene in
            scene.standIn.order(.gate, for: .put)
            let begun = try await scene.rotate("--no-wait", "--idempotency-key", "nightly-1")
            await scene.standIn.waitFor(1, of: .put)
            try await scene.keyturn.kill()
            try await scene.keyturn.start()
            let again = try await scene.rotate("--idempotency-key", "nightly-1")
            #expect(again.status == 0, "\(again.errors)")
            #expect(try again.document["id"].text == begun.document["id"].text)
            #expect(try await scene.audit().filter { $0["event"].text == "rotation.requested" }.count == 1)
        }
    }
}
