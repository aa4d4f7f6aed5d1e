import Model
import Operations
import Rotations
import TestSupport
import Testing
import Vault

private let reason = Reason("seen")

@Suite(.timeLimit(.minutes(5))) struct `Callers and operators at the same time` {
    /// A rotation of the second key that is stuck: an unknown outcome, then a refusal.
    private static func stuck() async throws -> (ServiceHarness, Rotation) {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        _ = try await keyturn.rotate()
        try await keyturn.stage("key-two")
        keyturn.target.answer(puts: [.unknown(reason, retryAfter: nil), .refused(reason)])
        let rotating = Task { try await keyturn.rotate() }
        await keyturn.clock.sleepers(atLeast: 1)
        keyturn.clock.advance(by: .seconds(1))
        let rotation = try await rotating.value
        #expect(rotation.state == .stuck)
        return (keyturn, rotation)
    }

    @Test func `a stuck rotation is resolved by one of them alone`() async throws {
        let (keyturn, rotation) = try await Self.stuck()
        let before = keyturn.target.calls.count
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for resolution in [Resolution.applied, .notApplied, .applied, .notApplied] {
                group.addTask {
                    (try? await keyturn.resolve(rotation.id, resolution)) != nil
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(outcomes == 1)
        #expect(keyturn.target.calls.count - before == 2)
    }

    @Test func `all who ask for a rotation get it when it is done`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        let rotations = try await withThrowingTaskGroup(of: Rotation.self) { group in
            for _ in 0..<20 { group.addTask { try await keyturn.rotate() } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(rotations.map(\.id)).count == 1)
        #expect(rotations.allSatisfy { $0.state == .succeeded })
    }

    @Test func `a rotation that was found unfinished is not driven again once it has ended`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        keyturn.target.answer(puts: [.unknown(reason, retryAfter: nil)])
        let rotating = Task { try await keyturn.rotate() }
        await keyturn.clock.sleepers(atLeast: 1)
        let id = try #require(try await keyturn.service.config(ServiceHarness.config, as: ServiceHarness.root).record.unfinished)
        let found = try await keyturn.service.rotation(id, as: ServiceHarness.root)
        keyturn.clock.advance(by: .seconds(1))
        let ended = try await rotating.value
        #expect(found.state == .running && ended.state == .succeeded)
        let calls = keyturn.target.calls
        keyturn.runner.takeUp(found)
        _ = await keyturn.runner.settled(id)
        #expect(keyturn.target.calls == calls)
        #expect(try await keyturn.service.rotation(id, as: ServiceHarness.root).machine.phase == ended.machine.phase)
    }

    @Test func `a rotation under way gets no second driver, however often it is found`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        keyturn.target.closeGate()
        let rotating = Task { try await keyturn.rotate() }
        await keyturn.target.puts(atLeast: 1)
        let id = try #require(try await keyturn.service.config(ServiceHarness.config, as: ServiceHarness.root).record.unfinished)
        let found = try await keyturn.service.rotation(id, as: ServiceHarness.root)
        keyturn.runner.announce(found: found)
        keyturn.runner.prepare()
        keyturn.runner.takeUp(found)
        keyturn.runner.goOn()
        try await keyturn.service.open(by: nil)
        keyturn.target.openGate()
        #expect(try await rotating.value.state == .succeeded)
        #expect(keyturn.target.calls == [.put("key-one", RemoteFields()), .validate])
    }

    @Test func `a vault that opens is taken up before anything goes out`() async throws {
        let before = try await ServiceHarness()
        try await before.setUp()
        try await before.stage("key-one")
        before.target.answer(puts: [.unknown(reason, retryAfter: .seconds(3600))])
        #expect(try await before.rotate().state == .waiting)
        await before.kill()
        let keyturn = try await ServiceHarness(after: before, opens: false)
        let opening = try await keyturn.service.unlock(by: nil)
        let joining = Task { try await keyturn.rotate() }
        _ = try await keyturn.service.rotate(ServiceHarness.config, RotationRequest(.rotate), .not, as: ServiceHarness.root)
        #expect(keyturn.target.calls == [.put("key-one", RemoteFields())], "what was under way waits to be taken up")
        try await keyturn.service.takeUp(opening, by: nil)
        #expect(try await joining.value.state == .succeeded)
        #expect(keyturn.target.calls.count == 3)
    }

    @Test func `a vault that is sealed again before it is taken up resumes all the same at the next opening`() async throws {
        let before = try await ServiceHarness()
        try await before.setUp()
        try await before.stage("key-one")
        before.target.answer(puts: [.unauthorized(reason)])
        #expect(try await before.rotate().state == .waiting)
        await before.kill()
        let keyturn = try await ServiceHarness(after: before, opens: false)
        let opening = try await keyturn.service.unlock(by: nil)
        let joining = Task { try await keyturn.rotate() }
        await keyturn.runner.halt()
        await keyturn.vault.seal()
        await #expect(throws: VaultError.sealed) { try await keyturn.service.takeUp(opening, by: nil) }
        await #expect(throws: (any Error).self) { try await joining.value }
        try await keyturn.service.open(by: nil)
        #expect(try await keyturn.rotate().state == .succeeded)
    }

    @Test func `a vault is opened by one of them alone`() async throws {
        let keyturn = try await ServiceHarness(opens: false)
        try await withThrowingTaskGroup { group in
            for _ in 0..<8 { group.addTask { try await keyturn.service.unseal(.refused, as: ServiceHarness.root) } }
            try await group.waitForAll()
        }
        let events = try await keyturn.service.audit(after: 0, limit: 1000, as: ServiceHarness.root).map(\.event.event)
        #expect(events.count { $0 == "vault.unsealed" } == 1)
    }

    @Test func `a token that is set just then is not missed`() async throws {
        for round in 0..<20 {
            let keyturn = try await ServiceHarness(seed: UInt64(round))
            try await keyturn.setUp()
            try await keyturn.stage("key-one")
            keyturn.target.answer(puts: [.unauthorized(reason)])
            guard
                case .rotation(let rotation) = try await keyturn.service.rotate(
                    ServiceHarness.config, RotationRequest(.rotate), .not, as: ServiceHarness.root)
            else { return }
            let upstream = try await keyturn.service.upstream(ServiceHarness.upstream, as: ServiceHarness.root)
            let box = try await keyturn.box("upstream-token", target: "fb", credential: #"{"access_token":"bearer-2"}"#)
            try await keyturn.service.putUpstream(
                ServiceHarness.upstream, UpstreamSettings(address: upstream.address, allowsPlainHTTP: false), bearer: box,
                as: ServiceHarness.root)
            // It may rest once before it notices.
            while try await keyturn.service.rotation(rotation.id, as: ServiceHarness.root).state != .succeeded {
                _ = await keyturn.runner.settled(rotation.id)
                await Task.yield()
            }
        }
    }

    @Test func `an upstream can't move away under a rotation or a way back`() async throws {
        let (keyturn, rotation) = try await Self.stuck()
        let elsewhere = UpstreamAddress(
            name: ServiceHarness.upstream, baseURL: try BaseURL("https://elsewhere.test", plainHTTP: .refused), caPEM: nil, pinSHA256: nil,
            workspaceID: nil)
        func move() async -> Problem.Code? {
            let problem = await #expect(throws: Problem.self) {
                try await keyturn.service.putUpstream(
                    ServiceHarness.upstream, UpstreamSettings(address: elsewhere, allowsPlainHTTP: false), bearer: nil,
                    as: ServiceHarness.root)
            }
            return problem?.code
        }
        #expect(await move() == .bindingInUse)
        _ = try await keyturn.resolve(rotation.id, .applied)
        #expect(try await keyturn.states() == [1: .previous, 2: .current])
        #expect(await move() == .bindingInUse)
    }
}
