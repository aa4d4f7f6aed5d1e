import Model
import Operations
import Rotations
import TestSupport
import Testing

private let reason = Reason("seen")

/// A PUT whose answer never came may be stored hours later: until that can't be, its key is kept, whatever the wall clock says.
@Suite(.timeLimit(.minutes(5))) struct `A PUT that may still land` {
    /// The second key got no answer and then a no, and the first one went back.
    private static func putBack() async throws -> ServiceHarness {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp(grace: .zero)
        try await keyturn.stage("key-one")
        _ = try await keyturn.rotate()
        try await keyturn.stage("key-two")
        keyturn.target.answer(puts: [.unknown(reason, retryAfter: nil), .denied(reason)])
        let rotating = Task { try await keyturn.rotate() }
        await keyturn.clock.sleepers(atLeast: 1)
        keyturn.clock.advance(by: .seconds(1))
        #expect(try await rotating.value.state == .rejected)
        #expect(try await keyturn.states() == [1: .current, 2: .rejected])
        return keyturn
    }

    /// What a rotation of another key proves, and whether the second one is still there.
    private static func rotateTo(_ key: String, _ keyturn: ServiceHarness) async throws -> (proof: Proof?, keepsSecond: Bool) {
        let version = try await keyturn.stage(key).number
        #expect(try await keyturn.rotate().state == .succeeded)
        _ = await keyturn.service.eraseOnce()
        let record = try await keyturn.service.config(ServiceHarness.config, as: ServiceHarness.root).record
        let kept = record.versions.contains { $0.number == 2 }
        return (record.versions.first { $0.number == version }?.proof, kept)
    }

    @Test func `keeps its key, and nothing else is proven, until the horizon has passed`() async throws {
        let keyturn = try await Self.putBack()
        keyturn.clock.advance(by: .seconds(3599))
        #expect(try await Self.rotateTo("key-three", keyturn) == (.unproven, true))
        keyturn.clock.advance(by: .seconds(1))
        #expect(try await Self.rotateTo("key-four", keyturn) == (.proven, false))
    }

    @Test func `is not taken for gone when the wall clock jumps forward`() async throws {
        let keyturn = try await Self.putBack()
        keyturn.clock.jump(by: .seconds(86_400))
        #expect(try await Self.rotateTo("key-three", keyturn) == (.unproven, true))
        keyturn.clock.jump(by: .seconds(-86_400))
        keyturn.clock.advance(by: .seconds(3600))
        #expect(try await Self.rotateTo("key-four", keyturn) == (.proven, false))
    }

    @Test func `is waited for anew after a restart`() async throws {
        let before = try await Self.putBack()
        before.clock.jump(by: .seconds(86_400))
        await before.kill()
        let keyturn = try await ServiceHarness(after: before)
        #expect(try await Self.rotateTo("key-three", keyturn) == (.unproven, true))
        keyturn.clock.advance(by: .seconds(3600))
        #expect(try await Self.rotateTo("key-four", keyturn) == (.proven, false))
    }

    @Test func `is waited for under the number that a rollback gives it`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp(grace: .zero)
        keyturn.clock.advance(by: .seconds(7200))
        try await keyturn.stage("key-one")
        keyturn.target.answer(puts: [.unknown(reason, retryAfter: nil)], validates: [.works, .unsupported(reason)])
        let rotating = Task { try await keyturn.rotate() }
        await keyturn.clock.sleepers(atLeast: 1)
        keyturn.clock.advance(by: .seconds(1))
        #expect(try await rotating.value.state == .succeeded)
        try await keyturn.stage("key-two")
        #expect(try await keyturn.rotate().state == .succeeded)
        #expect(try await keyturn.rotate(RotationRequest(.rollback)).state == .succeeded)
        #expect(try await keyturn.states() == [1: .retired, 2: .previous, 3: .current])
        try await keyturn.stage("key-four")
        #expect(try await keyturn.rotate().state == .succeeded)
        _ = await keyturn.service.eraseOnce()
        #expect(try await keyturn.states()[3] == .previous, "the first key's PUT may land")
        #expect(
            try await keyturn.service.config(ServiceHarness.config, as: ServiceHarness.root).record.version(.current)?.proof == .unproven)
    }

    @Test func `keeps its config where it was sent, until another one is confirmed there`() async throws {
        let keyturn = try await Self.putBack()
        func move() async -> [Problem.Code?] {
            let address = UpstreamAddress(
                name: ServiceHarness.upstream, baseURL: try! BaseURL("https://elsewhere.test", plainHTTP: .refused), caPEM: nil,
                pinSHA256: nil, workspaceID: nil)
            let rebound = await #expect(throws: Problem.self) { try await keyturn.putConfig(ServiceHarness.config, id: "remote-2") }
            let moved = await #expect(throws: Problem.self) {
                try await keyturn.service.putUpstream(
                    ServiceHarness.upstream, UpstreamSettings(address: address, allowsPlainHTTP: false), bearer: nil,
                    as: ServiceHarness.root)
            }
            return [rebound?.code, moved?.code]
        }
        #expect(await move() == [.bindingInUse, .bindingInUse])
        keyturn.clock.advance(by: .seconds(3600))
        #expect(await move() == [.bindingInUse, .bindingInUse], "it may have landed")
        #expect(try await Self.rotateTo("key-three", keyturn) == (.proven, false))
        #expect(try await keyturn.states()[1] != .previous)
        try await keyturn.putConfig(ServiceHarness.config, id: "remote-2")
    }

    @Test func `can't be discarded, and the refusal says until when`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        keyturn.target.answer(puts: [.unknown(reason, retryAfter: nil)])
        let rotating = Task { try await keyturn.rotate() }
        await keyturn.clock.sleepers(atLeast: 1)
        keyturn.clock.advance(by: .seconds(1))
        #expect(try await rotating.value.state == .succeeded)
        try await keyturn.stage("key-two")
        _ = try await keyturn.rotate()
        #expect(try await keyturn.states() == [1: .previous, 2: .current])
        let problem = await #expect(throws: Problem.self) {
            try await keyturn.service.discard(1, of: ServiceHarness.config, .previousToo, as: ServiceHarness.root)
        }
        let until = keyturn.clock.now() + .seconds(3600)
        #expect(problem?.detail.contains("kept until a later one, begun after \(until), is confirmed") == true)
    }
}
