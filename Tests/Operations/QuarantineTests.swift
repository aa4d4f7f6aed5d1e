import Model
import Operations
import Rotations
import TestSupport
import Testing
import Vault

private let reason = Reason("seen")

@Suite struct `A vault in quarantine` {
    private static let second = try! ConfigName("second")

    /// Puts the vault of `earlier` into quarantine, as a restore does, and starts a daemon on it.
    private static func restarted(
        _ earlier: ServiceHarness, _ why: Quarantine.Cause = .restored, on machine: String? = nil, id: String = "quarantine-1"
    ) async throws -> ServiceHarness {
        let now = earlier.clock.now()
        try await earlier.vault.write { transaction in
            try transaction.changeState { $0.quarantine = Quarantine(id: id, since: now, why: why) }
            return .changed((), AuditEvent(at: now, "vault.quarantined", by: nil))
        }
        await earlier.kill()
        return try await ServiceHarness(after: earlier, machine: machine)
    }

    /// One current key, one staged.
    private static func rotated() async throws -> ServiceHarness {
        let harness = try await ServiceHarness()
        try await harness.setUp()
        try await harness.stage("key-1")
        _ = try await harness.rotate()
        try await harness.stage("key-2")
        return harness
    }

    private static func puts(_ harness: ServiceHarness) -> [String] {
        harness.target.calls.compactMap { if case .put(let text, _) = $0 { text } else { nil } }
    }

    private static func events(_ harness: ServiceHarness) async throws -> [String] {
        try await harness.service.audit(after: 0, limit: 1000, as: ServiceHarness.root).map(\.event.event)
    }

    private static func expectQuarantined<Result>(_ body: () async throws -> Result) async {
        let problem = await #expect(throws: Problem.self) { _ = try await body() }
        #expect(problem?.code == .quarantined && problem?.nextStep == "keyturn release openai-prod")
    }

    private static func state(_ harness: ServiceHarness, _ name: ConfigName = ServiceHarness.config) async throws -> ConfigState {
        try await harness.service.config(name, as: ServiceHarness.root).state
    }

    @Test(arguments: Quarantine.Cause.allCases) func `sends nothing by itself: what was under way is stuck`(_ why: Quarantine.Cause)
        async throws
    {
        let first = try await Self.rotated()
        first.target.answer(puts: [.unknown(reason, retryAfter: nil)])
        let rotating = Task { try await first.rotate() }
        await first.clock.sleepers(atLeast: 1)
        let harness = try await Self.restarted(first, why)
        _ = try? await rotating.value
        let calls = harness.target.calls

        #expect(try await Self.state(harness) == .quarantined)
        let id = try #require(try await harness.service.config(ServiceHarness.config, as: ServiceHarness.root).record.unfinished)
        #expect(try await harness.service.rotation(id, as: ServiceHarness.root).state == .stuck)
        await Self.expectQuarantined { try await harness.resolve(id, .retry) }
        await Self.expectQuarantined { try await harness.rotate() }
        await Self.expectQuarantined {
            try await harness.service.removeConfig(ServiceHarness.config, .recoverable, as: ServiceHarness.root)
        }
        let held = try await harness.service.rotation(id, as: ServiceHarness.root)
        #expect(try await harness.service.nextSteps(after: [held]) == [id: "keyturn release openai-prod"], "the history says the same")
        harness.clock.advance(by: .seconds(40 * 86_400))
        await harness.service.rotateDueOnce(as: ServiceHarness.root)
        _ = await harness.service.eraseOnce()
        #expect(harness.target.calls == calls)

        let status = try await harness.service.status(as: ServiceHarness.root)
        #expect(status.quarantine?.why == why && status.attention.map(\.state) == [.quarantined])
        #expect(status.attention.first?.nextStep == "keyturn release openai-prod")
        #expect(try await Self.events(harness).contains("rotation.stuck"))

        try await harness.service.release(ServiceHarness.config, as: ServiceHarness.root)
        #expect(try await Self.state(harness) == .stuck)
        let resolved = try await harness.resolve(id, .retry)
        #expect(resolved.state == .succeeded)
        #expect(Self.puts(harness).suffix(1) == ["key-2"])
    }

    @Test func `neither rolls back nor changes fields, nor rotates to a key that came along`() async throws {
        let first = try await Self.rotated()
        _ = try await first.rotate()
        try await first.stage("key-3")
        let harness = try await Self.restarted(first)
        let puts = Self.puts(harness)
        await Self.expectQuarantined { try await harness.rotate() }
        await Self.expectQuarantined { try await harness.rotate(RotationRequest(.rollback)) }
        var fields = RotationRequest(.remote)
        fields.fields = RemoteFields(name: "other")
        await Self.expectQuarantined { try await harness.rotate(fields) }
        var due = RotationRequest(.rotate)
        due.condition = .ifDue
        guard case .notDue = try await harness.service.rotate(ServiceHarness.config, due, .untilSettled, as: ServiceHarness.root) else {
            Issue.record("it was due")
            return
        }
        #expect(Self.puts(harness) == puts)
        // Looking whether a key works changes nothing.
        #expect(try await harness.rotate(RotationRequest(.prove)).state == .succeeded)
        #expect(Self.puts(harness) == puts)
    }

    @Test func `lets one config go when a newly staged key was put, and only that one`() async throws {
        let first = try await Self.rotated()
        try await first.putConfig(Self.second, id: "remote-2")
        let harness = try await Self.restarted(first)
        try await harness.stage("key-3")
        #expect(try await Self.state(harness) == .quarantined)
        let rotation = try await harness.rotate()
        #expect(rotation.state == .succeeded && Self.puts(harness).suffix(1) == ["key-3"])
        #expect(try await Self.state(harness) == .ok)
        #expect(try await Self.state(harness, Self.second) == .quarantined)
        // The lost vault may have put it since: it would go back to an older key.
        #expect(try await harness.states() == [1: .previous, 2: .rejected, 3: .current])
        let problem = await #expect(throws: Problem.self) { try await harness.rotate() }
        #expect(problem?.code == .nothingStaged)
        // Nor is it erased before it is certain that the backend doesn't hold it.
        harness.clock.advance(by: .seconds(3600))
        _ = await harness.service.eraseOnce()
        #expect(try await harness.states()[2] == .rejected)
        #expect(
            try await harness.service.config(ServiceHarness.config, as: ServiceHarness.root).record.versions.map(\.number) == [1, 2, 3])
        try await harness.stage("key-4")
        #expect(try await harness.rotate().state == .succeeded)
        #expect(
            try await harness.service.config(ServiceHarness.config, as: ServiceHarness.root).record.versions.map(\.number) == [1, 3, 4])
    }

    @Test func `puts nothing back when the new key does not work`() async throws {
        let first = try await Self.rotated()
        let harness = try await Self.restarted(first)
        try await harness.stage("key-3")
        harness.target.answer(puts: [.denied(reason)])
        let puts = Self.puts(harness)
        let rotation = try await harness.rotate()
        #expect(rotation.state == .stuck)
        #expect(Self.puts(harness) == puts + ["key-3"])
        #expect(try await Self.state(harness) == .stuck, "it is the operator's own rotation that is stuck, with a way out of its own")
        #expect(try await harness.resolve(rotation.id, .retry).state == .succeeded)
        #expect(try await Self.state(harness) == .ok)
    }

    @Test func `resumes what was begun in it`() async throws {
        let first = try await Self.rotated()
        let second = try await Self.restarted(first)
        try await second.stage("key-3")
        second.target.answer(puts: [.unknown(reason, retryAfter: nil)])
        let rotating = Task { try await second.rotate() }
        await second.clock.sleepers(atLeast: 1)
        await second.kill()
        _ = try? await rotating.value
        let harness = try await ServiceHarness(after: second)
        let id = try #require(try await harness.service.config(ServiceHarness.config, as: ServiceHarness.root).record.lastRotation)
        _ = await harness.runner.settled(id)
        #expect(try await harness.service.rotation(id, as: ServiceHarness.root).state == .succeeded)
        #expect(try await Self.state(harness) == .ok)
    }

    @Test func `drops the refresh tokens that came along, once`() async throws {
        let first = try await Self.rotated()
        first.target.answer(refreshWith: "bearer-2")
        try await first.setRefreshToken()
        let harness = try await Self.restarted(first)
        let dropped = try await harness.service.upstream(ServiceHarness.upstream, as: ServiceHarness.root)
        #expect(dropped.bearer == .none && dropped.bearerLoss?.reason.contains("used the refresh token up (restored)") == true)
        #expect(dropped.bearerLoss?.at == harness.clock.now())
        #expect(try await harness.service.status(as: ServiceHarness.root).bearersLost.map(\.name) == [ServiceHarness.upstream])
        #expect(try await Self.events(harness).count { $0 == "upstream.bearer-dropped" } == 1)
        #expect(!harness.target.calls.contains(.refresh))
        // One that is given now is the operator's.
        try await harness.setRefreshToken()
        #expect(try await harness.service.status(as: ServiceHarness.root).bearersLost.isEmpty)
        await harness.kill()
        let again = try await ServiceHarness(after: harness)
        #expect(try await again.service.upstream(ServiceHarness.upstream, as: ServiceHarness.root).bearer == .refreshToken)
        try await again.stage("key-3")
        #expect(try await again.rotate().state == .succeeded)
        #expect(again.target.calls.contains(.refresh))
    }

    @Test func `erases nothing until it is over`() async throws {
        let first = try await Self.rotated()
        _ = try await first.rotate()
        let harness = try await Self.restarted(first)
        harness.clock.advance(by: .seconds(2 * 86_400))
        _ = await harness.service.eraseOnce()
        #expect(try await harness.states() == [1: .previous, 2: .current])
        try await harness.service.releaseAll(as: ServiceHarness.root)
        _ = await harness.service.eraseOnce()
        #expect(try await harness.states() == [1: .previous, 2: .current], "which key is there, only a PUT of its own can show")
        try await harness.stage("key-3")
        #expect(try await harness.rotate().state == .succeeded)
        _ = await harness.service.eraseOnce()
        #expect(try await harness.states() == [1: .retired, 2: .previous, 3: .current])
    }

    @Test func `proves no key that came along, neither in it nor after a release`() async throws {
        func proof(_ harness: ServiceHarness) async throws -> Proof? {
            try await harness.service.config(ServiceHarness.config, as: ServiceHarness.root).record.version(.current)?.proof
        }
        let first = try await Self.rotated()
        #expect(try await proof(first) == .proven)
        let harness = try await Self.restarted(first)
        // The lost vault may have put another key since, which works as well.
        #expect(try await harness.rotate(RotationRequest(.prove)).state == .succeeded)
        #expect(try await proof(harness) == .unproven)
        try await harness.service.release(ServiceHarness.config, as: ServiceHarness.root)
        #expect(try await harness.rotate(RotationRequest(.prove)).state == .succeeded)
        #expect(try await proof(harness) == .unproven)
        #expect(try await harness.rotate().state == .succeeded)
        #expect(try await proof(harness) == .unproven, "a moment ago the lost vault may have gone back to the first one")
        harness.clock.advance(by: .seconds(3600))
        try await harness.stage("key-3")
        #expect(try await harness.rotate().state == .succeeded)
        #expect(try await proof(harness) == .proven)
    }

    /// The daemon goes on while its vault is replaced by a copy, from which another one may have put a key a moment ago.
    @Test(arguments: [true, false]) func `keeps what came along for as long as it may land, however long the daemon has run`(
        _ isReleased: Bool
    )
        async throws
    {
        let harness = try await Self.rotated()
        harness.clock.advance(by: .seconds(7200))
        let now = harness.clock.now()
        try await harness.vault.write { transaction in
            try transaction.changeState { $0.quarantine = Quarantine(id: "quarantine-1", since: now, why: .restored) }
            return .changed((), AuditEvent(at: now, "vault.quarantined", by: nil))
        }
        try await harness.service.seal(as: ServiceHarness.root)
        try await harness.service.unseal(.refused, as: ServiceHarness.root)
        if isReleased { try await harness.service.releaseAll(as: ServiceHarness.root) }
        try await harness.stage("key-3")
        #expect(try await harness.rotate().state == .succeeded)
        if isReleased { #expect(try await harness.rotate().state == .succeeded) }
        harness.clock.advance(by: .seconds(3599))
        _ = await harness.service.eraseOnce()
        let record = try await harness.service.config(ServiceHarness.config, as: ServiceHarness.root).record
        #expect(record.versions.map(\.number) == [1, 2, 3])
        #expect(record.version(.current)?.number == 3 && record.version(.current)?.proof == .unproven)
    }

    @Test func `ends as a whole by the word of who may do everything`() async throws {
        let first = try await Self.rotated()
        let harness = try await Self.restarted(first)
        let denied = await #expect(throws: Problem.self) { try await harness.service.releaseAll(as: ServiceHarness.stranger) }
        #expect(denied?.code == .notAllowed)
        await #expect(throws: Problem.self) {
            try await harness.service.release(ServiceHarness.config, as: ServiceHarness.stranger)
        }
        #expect(try await Self.state(harness) == .quarantined)
        for _ in 1...2 { try await harness.service.releaseAll(as: ServiceHarness.root) }
        for _ in 1...2 { try await harness.service.release(ServiceHarness.config, as: ServiceHarness.root) }
        let events = try await Self.events(harness)
        #expect(events.count { $0 == "vault.released" } == 1 && events.count { $0 == "config.released" } == 1)
        #expect(try await harness.service.status(as: ServiceHarness.root).quarantine == nil)
        #expect(try await harness.rotate().state == .succeeded)
    }

    @Test func `ends as a whole although a config was removed, which comes back unproven`() async throws {
        let first = try await Self.rotated()
        _ = try await first.service.discard(2, of: ServiceHarness.config, .stagedOnly, as: ServiceHarness.root)
        try await first.service.removeConfig(ServiceHarness.config, .recoverable, as: ServiceHarness.root)
        let harness = try await Self.restarted(first)
        try await harness.service.releaseAll(as: ServiceHarness.root)
        #expect(try await harness.service.status(as: ServiceHarness.root).quarantine == nil)
        try await harness.service.undeleteConfig(ServiceHarness.config, as: ServiceHarness.root)
        let record = try await harness.service.config(ServiceHarness.config, as: ServiceHarness.root).record
        #expect(record.version(.current)?.proof == .unproven)
    }

    @Test func `keeps all that came along, since the backend may hold it`() async throws {
        let first = try await Self.rotated()
        _ = try await first.rotate()
        try await first.stage("key-3")
        let harness = try await Self.restarted(first)
        for number in [1, 3] as [VersionNumber] {
            await Self.expectQuarantined {
                try await harness.service.discard(number, of: ServiceHarness.config, .previousToo, as: ServiceHarness.root)
            }
        }
        try await harness.stage("key-4")
        _ = try await harness.service.discard(4, of: ServiceHarness.config, .stagedOnly, as: ServiceHarness.root)
        try await harness.service.release(ServiceHarness.config, as: ServiceHarness.root)
        let refusal = await #expect(throws: Problem.self) {
            try await harness.service.discard(3, of: ServiceHarness.config, .stagedOnly, as: ServiceHarness.root)
        }
        #expect(refusal?.code == .badRequest)
        #expect(try await harness.rotate().state == .succeeded)
        #expect(try await harness.states() == [1: .previous, 2: .previous, 3: .current, 4: .discarded])
    }

    /// Where it was copied from, the rotation went on, and its key is what the backend holds.
    private static func waitingWhenCopied() async throws -> (ServiceHarness, RotationID) {
        let first = try await Self.rotated()
        first.target.isAway = true
        let rotating = Task { try await first.rotate() }
        await first.clock.sleepers(atLeast: 1)
        while try await Self.state(first) != .waiting {
            first.clock.advance(by: .seconds(15))
            await first.clock.sleepers(atLeast: 1)
        }
        let id = try await rotating.value.id
        let harness = try await Self.restarted(first)
        #expect(try await harness.service.rotation(id, as: ServiceHarness.root).state == .stuck)
        try await harness.service.release(ServiceHarness.config, as: ServiceHarness.root)
        return (harness, id)
    }

    @Test func `stays ended by the operator's word for a rotation that began in an earlier one`() async throws {
        let first = try await Self.restarted(try await Self.rotated())
        try await first.stage("key-3")
        first.target.answer(puts: [.unknown(reason, retryAfter: .seconds(7200))])
        let id = try await first.rotate().id
        let harness = try await Self.restarted(first, .otherMachine, id: "quarantine-2")
        #expect(try await harness.service.rotation(id, as: ServiceHarness.root).state == .stuck)
        try await harness.service.release(ServiceHarness.config, as: ServiceHarness.root)
        #expect(try await harness.resolve(id, .retry).state == .succeeded)
        #expect(try await Self.state(harness) != .quarantined)
    }

    @Test func `does not take a rotation that waited when it was copied for one that sent nothing`() async throws {
        let (harness, id) = try await Self.waitingWhenCopied()
        let resolving = Task { try await harness.resolve(id, .retry) }
        await harness.clock.sleepers(atLeast: 1)
        await #expect(throws: Problem.self) { try await harness.cancel(id) }
        harness.target.isAway = false
        harness.target.answer(puts: [.rejected(reason)])
        harness.clock.advance(by: .seconds(15))
        // The earlier one is put back, which brings certainty.
        #expect(try await resolving.value.state == .rejected)
        #expect(harness.target.calls.last == .validate && harness.target.calls.dropLast().last == .put("key-1", RemoteFields()))
    }

    @Test func `keeps to the operator's word for one that waited when it was copied`() async throws {
        let (harness, id) = try await Self.waitingWhenCopied()
        harness.target.isAway = false
        harness.target.answer(puts: [.refused(reason)])
        let resolved = try await harness.resolve(id, .applied)
        #expect(resolved.state == .failed)
        #expect(try await harness.states() == [1: .previous, 2: .current])
    }

    @Test func `does not erase what came along staged on a mere no, since the backend may hold it`() async throws {
        let harness = try await Self.restarted(try await Self.rotated())
        try await harness.service.release(ServiceHarness.config, as: ServiceHarness.root)
        harness.target.answer(puts: [.rejected(reason)])
        #expect(try await harness.rotate().state == .rejected)
        #expect(harness.target.calls.suffix(2) == [.put("key-1", RemoteFields()), .validate])
    }

    @Test func `is ended for the machine on which that was said, and begins again on any other`() async throws {
        let first = try await Self.rotated()
        let restored = try await Self.restarted(first, on: "new host")
        try await restored.service.release(ServiceHarness.config, as: ServiceHarness.root)
        #expect(try await restored.service.status(as: ServiceHarness.root).quarantine != nil, "one config is not the vault")
        try await restored.service.releaseAll(as: ServiceHarness.root)
        await restored.kill()

        let again = try await ServiceHarness(after: restored, machine: "new host")
        #expect(try await again.service.status(as: ServiceHarness.root).quarantine == nil)
        #expect(try await again.rotate().state == .succeeded)
        try await again.stage("key-3")
        await again.kill()

        // The lost host comes back, and is given the vault as it is now.
        let old = try await ServiceHarness(after: again, machine: "old host")
        #expect(try await old.service.status(as: ServiceHarness.root).quarantine?.why == .otherMachine)
        await Self.expectQuarantined { try await old.rotate() }
    }

    @Test func `does not hold a config that was made in it`() async throws {
        let first = try await Self.rotated()
        let harness = try await Self.restarted(first)
        try await harness.putConfig(Self.second, id: "remote-2")
        try await harness.stage("key-9", for: Self.second)
        #expect(try await harness.rotate(RotationRequest(.rotate), Self.second).state == .succeeded)
    }
}
