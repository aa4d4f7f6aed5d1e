import Model
import Operations
import Rotations
import TestSupport
import Testing
import Vault

@Suite struct `On a full disk` {
    private static func puts(_ harness: ServiceHarness) -> [ScriptedTarget.Call] {
        harness.target.calls.filter { if case .put = $0 { true } else { false } }
    }

    private static func begunWrite(_ harness: ServiceHarness) async throws {
        let now = harness.clock.now()
        try await harness.vault.write(.begun) { _ in .changed((), AuditEvent(at: now, "test", by: nil)) }
    }

    @Test func `nothing is sent for a rotation that can't be recorded, and the same one works when there is room`() async throws {
        let harness = try await ServiceHarness()
        try await harness.setUp()
        try await harness.stage("key-1")
        harness.engine.fillUp()
        for _ in 1...2 {
            let problem = await #expect(throws: Problem.self) { try await harness.rotate() }
            #expect(problem?.code == .diskFull && problem?.nextStep != nil)
        }
        #expect(harness.target.calls.isEmpty)
        #expect(try await harness.states() == [1: .staged], "reading goes on")
        let status = try await harness.service.status(as: ServiceHarness.root)
        #expect(status.room == .full && status.trouble == .diskFull)
        harness.engine.makeRoom()
        #expect(try await harness.rotate().state == .succeeded)
        #expect(try await harness.service.status(as: ServiceHarness.root).room == .enough)
    }

    /// A key, and a backend that does not answer yet.
    private static func staged() async throws -> ServiceHarness {
        let harness = try await ServiceHarness()
        try await harness.setUp()
        try await harness.stage("key-1")
        harness.target.closeGate()
        return harness
    }

    /// A key, and a backend that does not answer yet, and then takes another token alone.
    private static func withTokenThatIsRefused() async throws -> ServiceHarness {
        let harness = try await ServiceHarness()
        try await harness.setUp()
        try await harness.setRefreshToken()
        harness.target.answer(refreshWith: "bearer-2")
        try await harness.stage("key-1")
        harness.target.answer(puts: [.unauthorized(Reason("401"))])
        harness.target.closeGate()
        return harness
    }

    private static func refreshes(_ harness: ServiceHarness) -> Int { harness.target.calls.count { $0 == .refresh } }

    @Test func `the outcome of a rotation under way fits into the reserve`() async throws {
        let harness = try await Self.staged()
        async let rotated = harness.rotate()
        await harness.target.puts(atLeast: 1)
        harness.engine.fillUp()
        harness.target.openGate()
        #expect(try await rotated.state == .succeeded)
        #expect(try await harness.states() == [1: .current])
        #expect(try await harness.service.status(as: ServiceHarness.root).room == .full)
    }

    @Test func `a rotation whose outcome fits nowhere holds its place and goes on by itself, without another PUT`() async throws {
        let harness = try await Self.staged()
        async let rotated = harness.rotate()
        await harness.target.puts(atLeast: 1)
        harness.engine.fillUp()
        for _ in 1...MemoryEngine.reserveCommits { try await Self.begunWrite(harness) }
        harness.target.openGate()
        do {
            _ = try await rotated
            Issue.record("the outcome is nowhere, and yet it was told")
        } catch let problem as Problem {
            #expect(problem.code == .diskFull)
        }
        #expect(try await harness.states() == [1: .pending])
        harness.engine.makeRoom()
        await harness.clock.sleepers(atLeast: 1)
        harness.clock.advance(by: .seconds(15))
        let id = try #require(try await harness.service.config(ServiceHarness.config, as: ServiceHarness.root).record.lastRotation)
        _ = await harness.runner.settled(id)
        #expect(try await harness.states() == [1: .current])
        #expect(Self.puts(harness).count == 1)
    }

    @Test func `who resolves a rotation whose outcome fits nowhere is told that, not that it runs`() async throws {
        let harness = try await ServiceHarness()
        try await harness.setUp()
        try await harness.stage("key-1")
        harness.target.answer(puts: [.denied(Reason("no"))])
        let rotation = try await harness.rotate()
        #expect(rotation.state == .stuck)
        harness.target.closeGate()
        async let resolved = harness.service.resolve(rotation.id, .retry, .untilSettled, as: ServiceHarness.root)
        await harness.target.puts(atLeast: 2)
        harness.engine.fillUp()
        for _ in 1...MemoryEngine.reserveCommits { try await Self.begunWrite(harness) }
        harness.target.openGate()
        guard case .interrupted(_, let problem) = try await resolved else {
            Issue.record("the outcome is nowhere, and yet it was told")
            return
        }
        #expect(problem.code == .diskFull && problem.nextStep != nil)
    }

    @Test func `nothing is cancelled that can't be recorded`() async throws {
        let harness = try await ServiceHarness()
        try await harness.setUp()
        try await harness.stage("key-1")
        harness.target.answer(puts: [.notSent(Reason("refused"))])
        async let rotated = harness.rotate()
        await harness.clock.sleepers(atLeast: 1)
        let id = try #require(try await harness.service.config(ServiceHarness.config, as: ServiceHarness.root).record.unfinished)
        harness.engine.fillUp()
        for _ in 1...MemoryEngine.reserveCommits { try await Self.begunWrite(harness) }
        let problem = await #expect(throws: Problem.self) { try await harness.cancel(id) }
        #expect(problem?.code == .diskFull)
        harness.engine.makeRoom()
        harness.clock.advance(by: .seconds(1))
        #expect(try await rotated.state == .succeeded)
    }

    @Test func `a bearer that can't be renewed for want of room is not a bearer that the backend refuses`() async throws {
        let harness = try await Self.withTokenThatIsRefused()
        async let rotated = harness.rotate()
        await harness.target.puts(atLeast: 1)
        let refreshes = Self.refreshes(harness)
        harness.engine.fillUp()
        for _ in 1...MemoryEngine.reserveCommits { try await Self.begunWrite(harness) }
        harness.target.openGate()
        do {
            _ = try await rotated
            Issue.record("it settled on a full disk")
        } catch let problem as Problem {
            #expect(problem.code == .diskFull)
        }
        #expect(Self.refreshes(harness) == refreshes, "nothing goes out that is not recorded first")
        harness.engine.makeRoom()
        await harness.clock.sleepers(atLeast: 1)
        harness.clock.advance(by: .seconds(15))
        let id = try #require(try await harness.service.config(ServiceHarness.config, as: ServiceHarness.root).record.lastRotation)
        _ = await harness.runner.settled(id)
        #expect(Self.refreshes(harness) == refreshes + 1)
        #expect(try await harness.service.rotation(id, as: ServiceHarness.root).state == .succeeded)
    }

    @Test func `a bearer that a rotation under way needs is renewed out of the reserve`() async throws {
        let harness = try await Self.withTokenThatIsRefused()
        async let rotated = harness.rotate()
        await harness.target.puts(atLeast: 1)
        let refreshes = Self.refreshes(harness)
        harness.engine.fillUp()
        harness.target.openGate()
        #expect(try await rotated.state == .succeeded)
        #expect(Self.refreshes(harness) == refreshes + 1)
        #expect(try await harness.service.status(as: ServiceHarness.root).room == .full)
    }

    @Test func `no bearer is renewed for a rotation that can't begin`() async throws {
        let harness = try await ServiceHarness()
        try await harness.setUp()
        try await harness.setRefreshToken()
        try await harness.stage("key-1")
        harness.engine.fillUp()
        await #expect(throws: VaultError.diskFull) { try await harness.rotate() }
        #expect(harness.target.calls.isEmpty)
    }

    @Test func `a daemon that starts without any room left opens the vault as soon as there is some`() async throws {
        let first = try await ServiceHarness()
        try await first.setUp()
        try await first.stage("key-1")
        await first.kill()
        await first.vault.seal()
        while first.engine.reserve?.release() == true {}
        first.engine.fillUp()
        let harness = try await ServiceHarness(after: first, opens: false)
        await #expect(throws: VaultError.diskFull) { try await harness.service.open(by: nil) }
        #expect(try await harness.service.status(as: ServiceHarness.root).sealedBecause == .diskFull)
        await harness.service.lookForRoom()
        #expect(await harness.service.sealedBecause == .diskFull)
        first.engine.makeRoom()
        await harness.service.lookForRoom()
        #expect(try await harness.rotate().state == .succeeded)
    }
}
