import Model
import Operations
import Rotations
import TestSupport
import Testing

private let reason = Reason("seen")

@Suite(.timeLimit(.minutes(5))) struct `After a failure` {
    /// A current key that is proven, and what `status` says of it then.
    private static func proven(every: Duration? = nil) async throws -> ServiceHarness {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp(every: every)
        try await keyturn.stage("key-one")
        _ = try await keyturn.rotate()
        return keyturn
    }

    private static func change(_ keyturn: ServiceHarness) async throws -> Rotation {
        var request = RotationRequest(.remote)
        request.fields = RemoteFields(endpoint: "https://elsewhere.test")
        return try await settled(keyturn, request)
    }

    /// Through the pauses between the tries of a proof.
    private static func settled(_ keyturn: ServiceHarness, _ request: RotationRequest) async throws -> Rotation {
        let rotating = Task { try await keyturn.rotate(request) }
        for _ in 0..<2 {
            await keyturn.clock.sleepers(atLeast: 1)
            keyturn.clock.advance(by: .milliseconds(2500))
        }
        return try await rotating.value
    }

    private static let failing = Array(repeating: ValidateAnswer.fails(reason), count: 3)

    private static func expectFailed(_ keyturn: ServiceHarness, _ nextStep: String) async throws {
        let config = try await keyturn.service.config(ServiceHarness.config, as: ServiceHarness.root)
        #expect(config.state == .failed && config.reason?.isEmpty == false && config.nextStep == nextStep)
        let status = try await keyturn.service.status(as: ServiceHarness.root)
        #expect(status.configs[.failed] == 1)
        #expect(status.attention.map(\.nextStep) == [nextStep] && status.attention.first?.reason == config.reason)
    }

    private static func proof(_ keyturn: ServiceHarness) async throws -> Proof? {
        try await keyturn.service.config(ServiceHarness.config, as: ServiceHarness.root).record.version(.current)?.proof
    }

    @Test(arguments: [ValidateAnswer.unsupported(reason), .notFound(reason), .tooMany(reason, retryAfter: nil)])
    func `of a prove that could not tell, the config is as well as before`(_ answer: ValidateAnswer) async throws {
        let keyturn = try await Self.proven()
        keyturn.target.answer(validates: [answer])
        #expect(try await keyturn.rotate(RotationRequest(.prove)).state == .failed)
        let config = try await keyturn.service.config(ServiceHarness.config, as: ServiceHarness.root)
        let proof = try await Self.proof(keyturn)
        #expect(config.state == .ok && proof == .proven)
        #expect(try await keyturn.service.status(as: ServiceHarness.root).attention.isEmpty)
    }

    @Test func `of the check after a change of the fields, the key is not proven any more, and the config named until it is`() async throws
    {
        let keyturn = try await Self.proven()
        keyturn.target.answer(validates: Self.failing)
        #expect(try await Self.change(keyturn).state == .failed)
        #expect(try await Self.proof(keyturn) == .failed)
        try await Self.expectFailed(keyturn, "keyturn prove openai-prod")
        var back = RotationRequest(.remote)
        back.fields = RemoteFields(endpoint: "https://former.test")
        #expect(try await keyturn.rotate(back).state == .succeeded)
        #expect(try await Self.proof(keyturn) == .proven)
        #expect(try await keyturn.service.status(as: ServiceHarness.root).attention.isEmpty)
    }

    @Test func `of a change that the backend refuses, the config is named, with the same change as the next step`() async throws {
        let keyturn = try await Self.proven()
        keyturn.target.answer(puts: [.refused(reason)])
        var request = RotationRequest(.remote)
        request.fields = RemoteFields(endpoint: "https://elsewhere.test")
        #expect(try await keyturn.rotate(request).state == .failed)
        #expect(try await Self.proof(keyturn) == .proven)
        try await Self.expectFailed(keyturn, "keyturn remote openai-prod --endpoint=https://elsewhere.test")
    }

    @Test func `of a check, a pause hides neither the key that does not work nor the way out`() async throws {
        let keyturn = try await Self.proven()
        keyturn.target.answer(validates: Self.failing)
        #expect(try await Self.settled(keyturn, RotationRequest(.prove)).state == .failed)
        try await Self.expectFailed(keyturn, "keyturn stage openai-prod")
        try await keyturn.service.pause(ServiceHarness.config, until: nil, reason: nil, as: ServiceHarness.root)
        try await Self.expectFailed(keyturn, "keyturn resume openai-prod")
    }

    @Test func `of a check, what is due still rotates by itself`() async throws {
        let keyturn = try await Self.proven(every: .seconds(3600))
        try await keyturn.stage("key-two")
        keyturn.target.answer(validates: Self.failing)
        #expect(try await Self.settled(keyturn, RotationRequest(.prove)).state == .failed)
        keyturn.clock.advance(by: .seconds(3600))
        let due = try await keyturn.service.configs(after: nil, limit: 10, filter: .due, as: ServiceHarness.root).items
        #expect(due.map(\.record.name) == [ServiceHarness.config])
        await keyturn.service.rotateDueOnce(as: ServiceHarness.root)
        #expect(try await keyturn.states() == [1: .previous, 2: .current])
        #expect(try await keyturn.service.status(as: ServiceHarness.root).attention.map(\.nextStep) == ["keyturn stage openai-prod"])
    }
}
