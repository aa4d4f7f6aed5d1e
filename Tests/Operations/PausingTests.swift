import Model
import Operations
import Rotations
import TestSupport
import Testing
import Vault

private let reason = Reason("seen")
private let late = PutAnswer.unknown(reason, retryAfter: .seconds(7200))

extension ServiceHarness {
    fileprivate func pause() async throws {
        try await service.pause(Self.config, until: nil, reason: nil, as: Self.root)
    }

    /// Another authority to trust: the bearer is not for whoever answers there.
    fileprivate func dropBearer() async throws {
        let address = try await service.upstream(Self.upstream, as: Self.root).address
        let other = UpstreamAddress(name: address.name, baseURL: address.baseURL, caPEM: "x", pinSHA256: nil, workspaceID: nil)
        try await service.putUpstream(Self.upstream, UpstreamSettings(address: other, allowsPlainHTTP: false), bearer: nil, as: Self.root)
    }

    fileprivate func moveUpstream() async throws {
        let address = UpstreamAddress(
            name: Self.upstream, baseURL: try BaseURL("https://elsewhere.test", plainHTTP: .refused), caPEM: nil, pinSHA256: nil,
            workspaceID: nil)
        try await service.putUpstream(Self.upstream, UpstreamSettings(address: address, allowsPlainHTTP: false), bearer: nil, as: Self.root)
    }

    fileprivate var state: ConfigState {
        get async throws { try await service.config(Self.config, as: Self.root).state }
    }
}

@Suite(.timeLimit(.minutes(5))) struct `A pause` {
    private static func waiting() async throws -> (ServiceHarness, Rotation) {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        keyturn.target.answer(puts: [late])
        let rotation = try await keyturn.rotate()
        #expect(rotation.state == .waiting)
        try await keyturn.pause()
        return (keyturn, rotation)
    }

    @Test func `holds the next cycle, and shows that, until it is resumed`() async throws {
        let (keyturn, rotation) = try await Self.waiting()
        await keyturn.clock.sleepers(atLeast: 1)
        keyturn.clock.advance(by: .seconds(7200))
        await keyturn.clock.sleepers(atLeast: 1)
        #expect(keyturn.target.calls.count == 1)
        #expect(try await keyturn.state == .paused)
        let attention = try await keyturn.service.status(as: ServiceHarness.root).attention
        #expect(attention.map(\.nextStep) == ["keyturn resume openai-prod"])
        #expect(attention.first?.reason.contains("\(rotation.id)") == true)
        try await keyturn.service.resumeConfig(ServiceHarness.config, as: ServiceHarness.root)
        _ = await keyturn.runner.settled(rotation.id)
        #expect(try await keyturn.states() == [1: .current])
    }

    @Test func `holds a rotation that was under way when the daemon died, and shows paused, not running`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        keyturn.target.answer(puts: [late])
        let rotation = try await keyturn.rotate()
        try await keyturn.pause()
        await keyturn.kill()
        let restarted = try await ServiceHarness(after: keyturn)
        await restarted.clock.sleepers(atLeast: 1)
        #expect(restarted.target.calls.count == 1, "nothing is sent again")
        #expect(try await restarted.state == .paused)
        try await restarted.service.resumeConfig(ServiceHarness.config, as: ServiceHarness.root)
        _ = await restarted.runner.settled(rotation.id)
        #expect(try await restarted.states() == [1: .current])
    }

    /// Of which nothing went out: the next PUT repeats none, and yet it is not the first try.
    private static func unsentAndRestarted(_ lack: String) async throws -> (ServiceHarness, Rotation) {
        let before = try await ServiceHarness()
        try await before.setUp()
        try await before.stage("key-one")
        if lack == "no token" { before.target.answer(puts: [.unauthorized(reason)]) } else { before.target.isAway = true }
        let rotating = Task { try await before.rotate() }
        while try await before.state != .waiting {
            guard lack == "no connection" else {
                await Task.yield()
                continue
            }
            await before.clock.sleepers(atLeast: 1)
            before.clock.advance(by: .seconds(10))
        }
        let rotation = try await rotating.value
        try await before.pause()
        await before.kill()
        before.target.isAway = false
        return (try await ServiceHarness(after: before), rotation)
    }

    @Test(arguments: ["no connection", "no token"]) func `holds a rotation that waited, over a restart and a seal`(_ lack: String)
        async throws
    {
        let (keyturn, rotation) = try await Self.unsentAndRestarted(lack)
        let seen = keyturn.target.calls
        for isSealed in [false, true] {
            if isSealed {
                try await keyturn.service.seal(as: ServiceHarness.root)
                try await keyturn.service.unseal(.refused, as: ServiceHarness.root)
            }
            keyturn.clock.advance(by: .seconds(7200))
            await keyturn.clock.sleepers(atLeast: 1)
            #expect(keyturn.target.calls == seen)
            #expect(try await keyturn.state == .paused)
        }
        try await keyturn.service.resumeConfig(ServiceHarness.config, as: ServiceHarness.root)
        _ = await keyturn.runner.settled(rotation.id)
        #expect(try await keyturn.states() == [1: .current])
    }

    @Test func `leaves that one to be cancelled`() async throws {
        let (keyturn, rotation) = try await Self.unsentAndRestarted("no connection")
        let seen = keyturn.target.calls
        await keyturn.clock.sleepers(atLeast: 1)
        #expect(try await keyturn.cancel(rotation.id).state == .cancelled)
        #expect(try await keyturn.states() == [1: .staged])
        #expect(keyturn.target.calls == seen)
    }

    @Test func `is what rotating and resolving by hand are refused for, with the way out`() async throws {
        let (keyturn, _) = try await Self.waiting()
        let rotating = await #expect(throws: Problem.self) { try await keyturn.rotate() }
        #expect(rotating?.code == .paused && rotating?.nextStep == "keyturn resume openai-prod")

        let stuck = try await ServiceHarness()
        try await stuck.setUp()
        try await stuck.stage("key-one")
        stuck.target.answer(puts: [.denied(reason)])
        let rotation = try await stuck.rotate()
        try await stuck.pause()
        let resolving = await #expect(throws: Problem.self) {
            try await stuck.resolve(rotation.id, .retry)
        }
        #expect(resolving?.code == .paused && resolving?.nextStep == "keyturn resume openai-prod")
    }

    @Test func `holds retiring until its own time is over`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp(grace: .seconds(60))
        for key in ["key-one", "key-two"] {
            try await keyturn.stage(key)
            _ = try await keyturn.rotate()
        }
        let until = keyturn.clock.now() + .seconds(3600)
        try await keyturn.service.pause(ServiceHarness.config, until: until, reason: nil, as: ServiceHarness.root)
        keyturn.clock.advance(by: .seconds(3599))
        _ = await keyturn.service.eraseOnce()
        #expect(try await keyturn.states() == [1: .previous, 2: .current])
        keyturn.clock.advance(by: .seconds(1))
        _ = await keyturn.service.eraseOnce()
        #expect(try await keyturn.states() == [1: .retired, 2: .current])
    }
}

@Suite(.timeLimit(.minutes(5))) struct `Cancelling` {
    @Test func `ends a rotation that waits for a token and has sent nothing`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        try await keyturn.dropBearer()
        let rotation = try await keyturn.rotate()
        #expect(rotation.state == .waiting && rotation.machine.attempts == 0)
        let cancelled = try await keyturn.cancel(rotation.id)
        #expect(cancelled.state == .cancelled && cancelled.machine.attempts == 0)
        #expect(try await keyturn.states() == [1: .staged])
        #expect(keyturn.target.calls == [])
    }

    @Test func `ends it after a restart as well`() async throws {
        let before = try await ServiceHarness()
        try await before.setUp()
        try await before.stage("key-one")
        try await before.dropBearer()
        let rotation = try await before.rotate()
        await before.kill()
        let keyturn = try await ServiceHarness(after: before)
        #expect(try await keyturn.cancel(rotation.id).state == .cancelled)
        #expect(try await keyturn.states() == [1: .staged])
    }

    @Test func `ends one whose backend was never reached, while it waits for its next try`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        keyturn.target.answer(puts: [.notSent(reason)])
        let rotating = Task { try await keyturn.rotate() }
        await keyturn.clock.sleepers(atLeast: 1)
        let id = try #require(try await keyturn.service.config(ServiceHarness.config, as: ServiceHarness.root).record.unfinished)
        #expect(try await keyturn.cancel(id).state == .cancelled)
        #expect(try await rotating.value.state == .cancelled)
        #expect(try await keyturn.states() == [1: .staged])
        #expect(keyturn.target.calls == [.put("key-one", RemoteFields())])
    }

    @Test func `is refused while the next try of one that was never reached is out`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        keyturn.target.answer(puts: [.notSent(reason)])
        let rotating = Task { try await keyturn.rotate() }
        await keyturn.clock.sleepers(atLeast: 1)
        keyturn.target.closeGate()
        keyturn.clock.advance(by: .seconds(1))
        await keyturn.target.puts(atLeast: 2)
        let id = try #require(try await keyturn.service.config(ServiceHarness.config, as: ServiceHarness.root).record.unfinished)
        await #expect(throws: Problem.self) { try await keyturn.cancel(id) }
        keyturn.target.openGate()
        #expect(try await rotating.value.state == .succeeded)
    }

    @Test func `is the next step where an upstream can't be corrected for what waits to be sent there`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        try await keyturn.dropBearer()
        let rotation = try await keyturn.rotate()
        let problem = await #expect(throws: Problem.self) { try await keyturn.moveUpstream() }
        #expect(problem?.code == .bindingInUse && problem?.nextStep == "keyturn cancel \(rotation.id)")
        _ = try await keyturn.cancel(rotation.id)
        try await keyturn.moveUpstream()
    }

    @Test func `is refused after a kill of which nobody knows whether something was sent before`() async throws {
        let before = try await ServiceHarness()
        try await before.setUp()
        try await before.stage("key-one")
        before.target.closeGate()
        defer { before.target.openGate() }
        let rotating = Task { try await before.rotate() }
        await before.target.puts(atLeast: 1)
        // Which the backend refuses.
        try await before.setRefreshToken()
        // It hangs there for good: as good as killed.
        rotating.cancel()
        let keyturn = try await ServiceHarness(after: before)
        let rotation = try await keyturn.rotate()
        #expect(rotation.state == .waiting)
        let problem = await #expect(throws: Problem.self) { try await keyturn.cancel(rotation.id) }
        #expect(problem?.code == .rotationInProgress)
    }

    @Test func `is refused after the first byte, with what to do instead`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        keyturn.target.answer(puts: [.noVerdict, .refused(reason)])
        let rotation = try await keyturn.rotate()
        let problem = await #expect(throws: Problem.self) { try await keyturn.cancel(rotation.id) }
        #expect(problem?.nextStep == "keyturn resolve \(rotation.id) --retry")
    }
}
