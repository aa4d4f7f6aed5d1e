import Model
import Operations
import Rotations
import TestSupport
import Testing

private let reason = Reason("seen")

@Suite struct `Rotating a config` {
    @Test func `makes the staged version current and keeps the old one through its grace`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp(grace: .seconds(3600))
        try await keyturn.stage("key-one")
        #expect(try await keyturn.rotate().state == .succeeded)
        try await keyturn.stage("key-two")
        #expect(try await keyturn.rotate().state == .succeeded)
        #expect(try await keyturn.states() == [1: .previous, 2: .current])
        #expect(keyturn.target.calls == [.put("key-one", RemoteFields()), .validate, .put("key-two", RemoteFields()), .validate])
        keyturn.clock.advance(by: .seconds(3599))
        _ = await keyturn.service.eraseOnce()
        #expect(try await keyturn.states() == [1: .previous, 2: .current])
        keyturn.clock.advance(by: .seconds(1))
        _ = await keyturn.service.eraseOnce()
        #expect(try await keyturn.states() == [1: .retired, 2: .current])
    }

    @Test func `costs two commits when nothing happens`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        let before = keyturn.engine.commits
        _ = try await keyturn.rotate()
        #expect(keyturn.engine.commits - before == 2)
    }

    @Test func `moves the due time with the commit and not before`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp(every: .seconds(86_400))
        let first = try await keyturn.service.config(ServiceHarness.config, as: ServiceHarness.root).record.dueAt
        #expect(first == keyturn.clock.now() + .seconds(86_400))
        keyturn.clock.advance(by: .seconds(100))
        keyturn.target.answer(puts: [.rejected(reason)])
        try await keyturn.stage("key-one")
        _ = try await keyturn.rotate()
        #expect(try await keyturn.service.config(ServiceHarness.config, as: ServiceHarness.root).record.dueAt == first)
        try await keyturn.stage("key-two")
        _ = try await keyturn.rotate()
        let moved = try await keyturn.service.config(ServiceHarness.config, as: ServiceHarness.root).record.dueAt
        #expect(moved == keyturn.clock.now() + .seconds(86_400))
    }

    @Test func `erases the old version in the commit itself where there is no grace`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp(grace: .zero)
        try await keyturn.stage("key-one")
        _ = try await keyturn.rotate()
        try await keyturn.stage("key-two")
        _ = try await keyturn.rotate()
        #expect(try await keyturn.states() == [1: .retired, 2: .current])
    }

    @Test func `keeps the old version while the new one is unproven`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp(grace: .zero)
        try await keyturn.stage("key-one")
        _ = try await keyturn.rotate()
        try await keyturn.stage("key-two")
        keyturn.target.answer(validates: [.unsupported(reason)])
        _ = try await keyturn.rotate()
        keyturn.clock.advance(by: .seconds(86_400 * 30))
        _ = await keyturn.service.eraseOnce()
        #expect(try await keyturn.states() == [1: .previous, 2: .current])
        #expect(try await keyturn.rotate(RotationRequest(.prove)).state == .succeeded)
        _ = await keyturn.service.eraseOnce()
        #expect(try await keyturn.states() == [1: .retired, 2: .current])
    }

    @Test func `puts the old version back when the new one does not work`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        _ = try await keyturn.rotate()
        try await keyturn.stage("bad-two")
        keyturn.target.answer(puts: [.accepted], validates: [.fails(reason), .fails(reason), .fails(reason)])
        let rotating = Task { try await keyturn.rotate() }
        for _ in 0..<2 {
            await keyturn.clock.sleepers(atLeast: 1)
            keyturn.clock.advance(by: .milliseconds(2500))
        }
        let rotation = try await rotating.value
        #expect(rotation.state == .rejected)
        #expect(rotation.problem(nextStep: nil)?.code == .keyRejected)
        #expect(try await keyturn.states() == [1: .current, 2: .rejected])
        #expect(keyturn.target.calls.suffix(2) == [.put("key-one", RemoteFields()), .validate])
    }

    @Test func `is refused without anything staged`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        await #expect(throws: Problem(.nothingStaged, "Nothing is staged for 'openai-prod'.", nextStep: "keyturn stage openai-prod")) {
            try await keyturn.rotate()
        }
    }

    @Test func `is refused before any PUT where the configuration uses a shared key`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        keyturn.target.answer(lookUp: .listed(fields: RemoteFields(), usesSharedKey: true))
        let problem = await #expect(throws: Problem.self) { try await keyturn.rotate() }
        #expect(problem?.code == .sharedKey && problem?.nextStep == "keyturn config show openai-prod")
        #expect(keyturn.target.calls == [])
        #expect(try await keyturn.states() == [1: .staged])
    }

    @Test func `is joined by a second caller`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        keyturn.target.closeGate()
        guard
            case .rotation(let first) = try await keyturn.service.rotate(
                ServiceHarness.config, RotationRequest(.rotate), .not, as: ServiceHarness.root)
        else { return }
        let second = Task { try await keyturn.rotate() }
        keyturn.target.openGate()
        #expect(try await second.value.id == first.id)
        #expect(keyturn.target.calls.count == 2)
    }

    @Test func `answers the same rotation to the same Idempotency-Key, and refuses it for another request`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        var request = RotationRequest(.rotate)
        request.idempotencyKey = "again"
        let first = try await keyturn.rotate(request)
        #expect(try await keyturn.rotate(request).id == first.id)
        request.reason = "another"
        let problem = await #expect(throws: Problem.self) { try await keyturn.rotate(request) }
        #expect(problem?.code == .idempotencyMismatch)
    }

    @Test func `goes on after a restart with the same key`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        keyturn.target.closeGate()
        guard
            case .rotation(let rotation) = try await keyturn.service.rotate(
                ServiceHarness.config, RotationRequest(.rotate), .not, as: ServiceHarness.root)
        else { return }
        let killing = Task { await keyturn.kill() }
        keyturn.target.openGate()
        await killing.value
        let restarted = try await ServiceHarness(after: keyturn)
        _ = await restarted.runner.settled(rotation.id)
        #expect(try await restarted.states() == [1: .current])
        let puts = restarted.target.calls.filter { $0 == .put("key-one", RemoteFields()) }
        #expect(!puts.isEmpty && puts.count <= 2)
    }

    @Test func `is not done when it is not due`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp(every: .seconds(86_400))
        try await keyturn.stage("key-one")
        var request = RotationRequest(.rotate)
        request.condition = .ifDue
        guard case .notDue = try await keyturn.service.rotate(ServiceHarness.config, request, .untilSettled, as: ServiceHarness.root) else {
            Issue.record("it rotated")
            return
        }
        keyturn.clock.advance(by: .seconds(86_400))
        #expect(try await keyturn.rotate(request).state == .succeeded)
    }

    @Test func `waits for a token after a 401, and goes on when one is set`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        keyturn.target.answer(puts: [.unauthorized(reason)])
        let rotation = try await keyturn.rotate()
        #expect(rotation.state == .waiting)
        #expect(rotation.problem(nextStep: nil)?.code == .upstreamAuth)
        let upstream = try await keyturn.service.upstream(ServiceHarness.upstream, as: ServiceHarness.root)
        let box = try await keyturn.box("upstream-token", target: "fb", credential: #"{"access_token":"bearer-2"}"#)
        try await keyturn.service.putUpstream(
            ServiceHarness.upstream, UpstreamSettings(address: upstream.address, allowsPlainHTTP: false), bearer: box,
            as: ServiceHarness.root)
        _ = await keyturn.runner.settled(rotation.id)
        #expect(try await keyturn.states() == [1: .current])
    }

    @Test func `rolls back by moving the previous credential into a new version`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        for key in ["key-one", "key-two"] {
            try await keyturn.stage(key)
            _ = try await keyturn.rotate()
        }
        #expect(try await keyturn.rotate(RotationRequest(.rollback)).state == .succeeded)
        #expect(try await keyturn.states() == [1: .retired, 2: .previous, 3: .current])
        #expect(keyturn.target.calls.suffix(2).first == .put("key-one", RemoteFields()))
    }

    @Test func `holds automatic rotation after a rejection until somebody stages again`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp(every: .seconds(3600))
        try await keyturn.stage("key-one")
        try await keyturn.stage("key-two")
        keyturn.target.answer(puts: [.rejected(reason)])
        keyturn.clock.advance(by: .seconds(3600))
        var request = RotationRequest(.rotate)
        request.condition = .ifDue
        #expect(try await keyturn.rotate(request).state == .rejected)
        guard case .notDue = try await keyturn.service.rotate(ServiceHarness.config, request, .untilSettled, as: ServiceHarness.root) else {
            Issue.record("a stock of keys is being burnt")
            return
        }
        #expect(try await keyturn.service.config(ServiceHarness.config, as: ServiceHarness.root).state == .failed)
        try await keyturn.stage("key-three")
        #expect(try await keyturn.rotate(request).state == .succeeded)
    }
}
