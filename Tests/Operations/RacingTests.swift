import Model
import Operations
import Rotations
import TestSupport
import Testing

private let reason = Reason("seen")

@Suite(.timeLimit(.minutes(1))) struct `Callers and operators at the same time` {
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
                    (try? await keyturn.service.resolve(rotation.id, resolution, .untilSettled, as: ServiceHarness.root)) != nil
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
        _ = try await keyturn.service.resolve(rotation.id, .applied, .untilSettled, as: ServiceHarness.root)
        #expect(try await keyturn.states() == [1: .previous, 2: .current])
        #expect(await move() == .bindingInUse)
    }
}
