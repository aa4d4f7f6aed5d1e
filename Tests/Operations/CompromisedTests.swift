import Model
import Operations
import Rotations
import TestSupport
import Testing

private let reason = Reason("seen")

private let compromised: RotationRequest = {
    var request = RotationRequest(.rotate)
    request.isCompromised = true
    return request
}()

/// A config whose first key is current and proven, and whose second is staged.
private func staged() async throws -> ServiceHarness {
    let keyturn = try await ServiceHarness()
    try await keyturn.setUp()
    try await keyturn.stage("key-one")
    _ = try await keyturn.rotate()
    try await keyturn.stage("key-two")
    return keyturn
}

@Suite(.timeLimit(.minutes(5))) struct `A compromised key` {
    @Test func `has no grace once the next one is proven`() async throws {
        let keyturn = try await staged()
        #expect(try await keyturn.rotate(compromised).state == .succeeded)
        #expect(try await keyturn.states() == [1: .retired, 2: .current])
    }

    @Test func `stays while the next one is unproven, as any other`() async throws {
        let keyturn = try await staged()
        keyturn.target.answer(validates: [.unsupported(reason)])
        _ = try await keyturn.rotate(compromised)
        _ = await keyturn.service.eraseOnce()
        #expect(try await keyturn.states() == [1: .previous, 2: .current])
    }

    @Test func `is never put back by itself, neither by this rotation nor by a later one`() async throws {
        let keyturn = try await staged()
        keyturn.target.answer(puts: [.refused(reason)])
        #expect(try await keyturn.rotate(compromised).state == .failed)
        keyturn.target.answer(puts: [.denied(reason)])
        let rotation = try await keyturn.rotate()
        #expect(rotation.state == .stuck)
        #expect(keyturn.target.calls.filter { $0 == .put("key-one", RemoteFields()) }.count == 1)
        let resolved = try await keyturn.resolve(rotation.id, .notApplied)
        #expect(resolved.state == .rejected, "the operator's word brings it back")
        #expect(keyturn.target.calls.filter { $0 == .put("key-one", RemoteFields()) }.count == 2)
    }

    @Test func `is not rotated away by a rotation that began without that word`() async throws {
        let keyturn = try await staged()
        keyturn.target.answer(puts: [.unknown(reason, retryAfter: .seconds(7200))])
        let waiting = try await keyturn.rotate()
        let problem = await #expect(throws: Problem.self) { try await keyturn.rotate(compromised) }
        #expect(problem?.code == .rotationInProgress)
        #expect(problem?.detail.contains("\(waiting.id)") == true)
        #expect(problem?.nextStep == "keyturn rotate openai-prod")
    }
}

@Suite(.timeLimit(.minutes(5))) struct `A dry run` {
    @Test func `writes nothing and sends nothing but the request for the list`() async throws {
        let keyturn = try await staged()
        keyturn.target.answer(lookUp: .listed(fields: RemoteFields(), usesSharedKey: false))
        let (commits, calls) = (keyturn.engine.commits, keyturn.target.calls)
        guard case .begins(let rotation, .ownKey) = try await keyturn.dryRun() else {
            Issue.record("it would not begin")
            return
        }
        #expect(rotation.version == 2 && rotation.standingVersion == 1)
        #expect(keyturn.engine.commits == commits && keyturn.target.calls == calls)
        #expect(try await keyturn.states() == [1: .current, 2: .staged])
    }

    @Test func `is refused as the rotation would be`() async throws {
        let keyturn = try await staged()
        keyturn.target.answer(lookUp: .listed(fields: RemoteFields(), usesSharedKey: true))
        let shared = await #expect(throws: Problem.self) { try await keyturn.dryRun() }
        #expect(shared?.code == .sharedKey)
        keyturn.target.answer(lookUp: .unavailable(reason))
        guard case .begins(_, .unchecked("seen")) = try await keyturn.dryRun() else {
            Issue.record("a backend without a list is no obstacle")
            return
        }
        _ = try await keyturn.rotate()
        let empty = await #expect(throws: Problem.self) { try await keyturn.dryRun() }
        #expect(empty?.code == .nothingStaged)
    }
}

extension ServiceHarness {
    fileprivate func dryRun() async throws -> DryRunAnswer {
        try await service.dryRun(Self.config, RotationRequest(.rotate), as: Self.root)
    }
}
