import Model
import Operations
import Rotations
import TestSupport
import Testing
import Vault

private let reason = Reason("the backend answered 401")

@Suite(.timeLimit(.minutes(5))) struct `Refreshing an upstream's token` {
    private static let second = try! ConfigName("second")
    private static let failures = [ScriptedTarget.RefreshFailure.notSent, .unknown]

    /// A key, and a refresh token that brings `bearer-2`.
    private static func staged(_ names: [ConfigName] = [ServiceHarness.config]) async throws -> ServiceHarness {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        for name in names where name != ServiceHarness.config { try await keyturn.putConfig(name, id: "remote-\(name)") }
        try await keyturn.setRefreshToken()
        keyturn.target.answer(refreshWith: "bearer-2")
        for name in names { try await keyturn.stage("key-\(name)", for: name) }
        return keyturn
    }

    private static func rotation(_ keyturn: ServiceHarness, _ id: RotationID) async throws -> Rotation {
        _ = await keyturn.runner.settled(id)
        return try await keyturn.service.rotation(id, as: ServiceHarness.root)
    }

    private static func upstream(_ keyturn: ServiceHarness) async throws -> UpstreamRecord {
        try await keyturn.service.upstream(ServiceHarness.upstream, as: ServiceHarness.root)
    }

    private static func refreshes(_ keyturn: ServiceHarness) -> Int { keyturn.target.calls.count { $0 == .refresh } }

    @Test(arguments: failures) func `without an answer, for the first token or after a 401, is tried again in the next cycle`(
        _ failure: ScriptedTarget.RefreshFailure
    ) async throws {
        for hasToken in [false, true] {
            let keyturn = try await Self.staged([ServiceHarness.config, Self.second])
            if hasToken {
                _ = try await keyturn.rotate(RotationRequest(.rotate), Self.second)
                keyturn.target.answer(puts: [.unauthorized(reason)])
            }
            // The look at the backend's list before a rotation begins wants a token, too.
            keyturn.target.answer(refreshes: Array(repeating: failure, count: hasToken ? 1 : 2))
            let rotation = try await keyturn.rotate()
            let problem = try #require(rotation.problem(nextStep: nil))
            #expect(rotation.state == .waiting && problem.code == .upstreamUnreachable)
            let what = failure == .notSent ? "connection refused" : "the backend answered 503"
            #expect(problem.detail.contains("the token could not be refreshed: \(what)"))
            let shown = try await keyturn.service.config(ServiceHarness.config, as: ServiceHarness.root)
            #expect(shown.state == .waiting && shown.nextStep == "keyturn rotate openai-prod")
            #expect(try await Self.upstream(keyturn).bearerLoss == nil)
            await keyturn.clock.sleepers(atLeast: 1)
            let puts = keyturn.target.bearers.count
            keyturn.clock.advance(by: .seconds(300))
            await keyturn.target.puts(atLeast: puts + 1)
            #expect(try await Self.rotation(keyturn, rotation.id).state == .succeeded, "\(hasToken ? "after a 401" : "the first token")")
        }
    }

    @Test func `that is refused waits for a token, with that reason`() async throws {
        let keyturn = try await Self.staged()
        keyturn.target.answer(refreshes: [.unknown] + Array(repeating: .refused, count: 5))
        let rotation = try await keyturn.rotate()
        let problem = try #require(rotation.problem(nextStep: nil))
        #expect(problem.code == .upstreamAuth && problem.detail.contains("the refresh was refused: the backend answered 401"))
        let shown = try await keyturn.service.config(ServiceHarness.config, as: ServiceHarness.root)
        #expect(shown.nextStep == "keyturn upstream set fb --token-stdin")
        let loss = try #require(try await Self.upstream(keyturn).bearerLoss)
        #expect(loss.reason.contains("an earlier one, whose outcome is unknown, may have used the token up"))
    }

    @Test(arguments: ScriptedTarget.RefreshFailure.allCases) func `for one rotation wakes those that wait for it`(
        _ failure: ScriptedTarget.RefreshFailure
    ) async throws {
        let keyturn = try await Self.staged([ServiceHarness.config, Self.second])
        keyturn.target.answer(refreshes: [failure, failure])
        let waiting = try await keyturn.rotate()
        #expect(waiting.state == .waiting)
        let before = Self.refreshes(keyturn)
        #expect(try await keyturn.rotate(RotationRequest(.rotate), Self.second).state == .succeeded)
        #expect(try await Self.rotation(keyturn, waiting.id).state == .succeeded)
        #expect(Self.refreshes(keyturn) == before + 1)
    }

    @Test func `that changes nothing does not go round in circles`() async throws {
        let keyturn = try await Self.staged([ServiceHarness.config, Self.second])
        keyturn.target.answer(puts: Array(repeating: .unauthorized(reason), count: 100))
        let first = try await keyturn.rotate()
        let second = try await keyturn.rotate(RotationRequest(.rotate), Self.second)
        for id in [first.id, second.id] { #expect(try await Self.rotation(keyturn, id).state == .waiting) }
        // One for the first token, one for each of the two; the first tries what the second got, and leaves it at that.
        #expect(Self.refreshes(keyturn) == 3)
        #expect(keyturn.target.bearers.count == 5)
    }

    /// They find the old token in the vault, and it is as good as dead.
    @Test func `is what is used next, though others looked at the old token while it was out`() async throws {
        let keyturn = try await Self.staged([ServiceHarness.config, Self.second])
        _ = try await keyturn.rotate(RotationRequest(.rotate), Self.second)
        let service = keyturn.service
        keyturn.target.whileRefreshing { _ = try? await service.checkUpstream(ServiceHarness.upstream, as: ServiceHarness.root) }
        keyturn.target.answer(refreshWith: "bearer-3")
        keyturn.target.answer(puts: [.unauthorized(reason)])
        #expect(try await keyturn.rotate().state == .succeeded)
        #expect(keyturn.target.bearers == ["bearer-2", "bearer-2", "bearer-3"])
    }

    @Test func `of a token that is over is not asked for twice where it came to no answer`() async throws {
        let keyturn = try await Self.staged([ServiceHarness.config, Self.second])
        keyturn.target.answer(refreshedUntil: keyturn.clock.now() + .seconds(3600))
        _ = try await keyturn.rotate(RotationRequest(.rotate), Self.second)
        keyturn.clock.advance(by: .seconds(3600))
        let before = Self.refreshes(keyturn)
        // One for the look at the backend's list, one for the rotation.
        keyturn.target.answer(refreshes: [.unknown, .unknown])
        #expect(try await keyturn.rotate().state == .waiting)
        #expect(Self.refreshes(keyturn) == before + 2 && keyturn.target.bearers.count == 1)
    }

    /// Where the clocks differ by more than a token lives, it seems to be over when it comes.
    @Test func `brings a token that is used as long as it is taken`() async throws {
        let keyturn = try await Self.staged([ServiceHarness.config, Self.second])
        keyturn.target.answer(refreshedUntil: keyturn.clock.now())
        for name in [ServiceHarness.config, Self.second] { _ = try await keyturn.rotate(RotationRequest(.rotate), name) }
        #expect(Self.refreshes(keyturn) == 1)
    }

    // MARK: What can't be stored

    /// The backend took the refresh, and then the disk's last room was gone: the old token may be dead.
    private static func held() async throws -> (ServiceHarness, RotationID) {
        let keyturn = try await Self.staged([ServiceHarness.config, Self.second])
        _ = try await keyturn.rotate(RotationRequest(.rotate), Self.second)
        keyturn.target.answer(refreshWith: "bearer-3")
        keyturn.target.answer(puts: [.unauthorized(reason)])
        keyturn.target.closeGate()
        let rotating = Task { try await keyturn.rotate() }
        await keyturn.target.puts(atLeast: 2)
        // Room for the outcome of the PUT and the refresh's intent.
        while keyturn.engine.reserve?.release() == true {}
        keyturn.engine.fillUp(after: 2)
        keyturn.target.openGate()
        let problem = await #expect(throws: Problem.self) { try await rotating.value }
        #expect(problem?.code == .diskFull)
        let id = try #require(try await keyturn.service.config(ServiceHarness.config, as: ServiceHarness.root).record.unfinished)
        return (keyturn, id)
    }

    @Test func `on a disk without room brings tokens that are used, and stored when there is some`() async throws {
        let (keyturn, id) = try await Self.held()
        #expect(keyturn.target.bearers.last == "bearer-3" && Self.refreshes(keyturn) == 2)
        let before = try await Self.upstream(keyturn).bearerGeneration
        for _ in 0..<100 {
            keyturn.clock.advance(by: .seconds(15))
            await keyturn.service.lookForRoom()
            await keyturn.clock.sleepers(atLeast: 1)
        }
        #expect(try await Self.upstream(keyturn).bearerGeneration == before, "still no room")
        keyturn.engine.makeRoom()
        await keyturn.service.lookForRoom()
        #expect(try await Self.upstream(keyturn).bearerGeneration == before + 1)
        keyturn.clock.advance(by: .seconds(15))
        #expect(try await Self.rotation(keyturn, id).state == .succeeded)
        #expect(Self.refreshes(keyturn) == 2)
        try await keyturn.stage("key-3")
        #expect(try await keyturn.rotate().state == .succeeded)
        #expect(keyturn.target.bearers.last == "bearer-3")
    }

    @Test func `on a disk without room brings nothing that comes over another bearer`() async throws {
        let (keyturn, _) = try await Self.held()
        keyturn.engine.makeRoom()
        try await keyturn.setToken("bearer-4")
        let generation = try await Self.upstream(keyturn).bearerGeneration
        await keyturn.service.lookForRoom()
        #expect(try await Self.upstream(keyturn).bearerGeneration == generation)
        try await keyturn.stage("key-3", for: Self.second)
        _ = try await keyturn.rotate(RotationRequest(.rotate), Self.second)
        #expect(keyturn.target.bearers.last == "bearer-4")
    }

    // MARK: Another vault

    @Test func `leaves nothing in memory for another vault that is opened`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        _ = try await keyturn.rotate()
        let other = try await ServiceHarness(seed: 2)
        try await other.setToken("bearer-9")
        try await other.putConfig(ServiceHarness.config, id: "remote-1")
        await keyturn.vault.seal(because: .failed("the disk is gone"))
        keyturn.engine.records = other.engine.records
        keyturn.mirror.bytes = nil
        try await keyturn.service.open(.accepted, by: nil)
        try await keyturn.stage("key-two")
        _ = try await keyturn.rotate()
        #expect(keyturn.target.bearers == ["bearer-1", "bearer-9"])
    }
}
