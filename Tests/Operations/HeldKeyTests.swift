import Model
import Operations
import Rotations
import TestSupport
import Testing

private let reason = Reason("seen")

/// What a backend said last is not always what it holds: no key that may be there goes, and none counts as proven in its place.
@Suite(.timeLimit(.minutes(5))) struct `A key that the backend may hold` {
    private static func rotated(grace: Duration = .zero) async throws -> ServiceHarness {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp(grace: grace)
        try await keyturn.stage("key-one")
        _ = try await keyturn.rotate()
        try await keyturn.stage("key-two")
        return keyturn
    }

    private static func record(_ keyturn: ServiceHarness) async throws -> ConfigRecord {
        try await keyturn.service.config(ServiceHarness.config, as: ServiceHarness.root).record
    }

    private static func kept(_ keyturn: ServiceHarness) async throws -> [VersionNumber] {
        _ = await keyturn.service.eraseOnce()
        return try await record(keyturn).versions.map(\.number)
    }

    /// Confirmed by a later PUT, which nothing can overtake any more.
    private static func rotateLater(_ keyturn: ServiceHarness) async throws {
        keyturn.clock.advance(by: .seconds(3601))
        try await keyturn.stage("key-later")
        #expect(try await keyturn.rotate().state == .succeeded)
    }

    @Test func `is kept where the earlier one was put back without a word, though it failed its proof`() async throws {
        let keyturn = try await Self.rotated()
        keyturn.target.answer(
            puts: [.accepted, .noVerdict, .noVerdict], validates: Array(repeating: .fails(reason), count: 3) + [.works])
        let rotating = Task { try await keyturn.rotate() }
        for _ in 1...2 {
            await keyturn.clock.sleepers(atLeast: 1)
            keyturn.clock.advance(by: .seconds(60))
        }
        let rotation = try await rotating.value
        guard case .ended(.rejected(_, .some)) = rotation.machine.phase else {
            Issue.record("it is \(rotation.machine.phase)")
            return
        }
        #expect(try await Self.kept(keyturn) == [1, 2])
        #expect(try await Self.record(keyturn).version(.current)?.proof == .unproven)
        try await Self.rotateLater(keyturn)
        #expect(try await Self.kept(keyturn) == [3])
    }

    @Test func `is kept where a rollback brought it back to a configuration that looked gone`() async throws {
        let keyturn = try await Self.rotated(grace: .seconds(86_400))
        _ = try await keyturn.rotate()
        keyturn.target.answer(validates: [.notFound(reason)])
        keyturn.target.answer(lookUp: .missing)
        #expect(try await keyturn.rotate(RotationRequest(.rollback)).state == .failed)
        keyturn.clock.advance(by: .seconds(2 * 86_400))
        #expect(try await Self.kept(keyturn) == [1, 2], "version 1 lent version 3 its key")
        #expect(try await Self.record(keyturn).version(.current)?.proof == .unproven)
        keyturn.target.answer(lookUp: .unavailable(reason))
        try await Self.rotateLater(keyturn)
        keyturn.clock.advance(by: .seconds(2 * 86_400))
        #expect(try await Self.kept(keyturn) == [4])
    }

    @Test func `is put out again when it is refused later, after its configuration had looked gone`() async throws {
        let keyturn = try await Self.rotated()
        keyturn.target.answer(validates: [.notFound(reason)])
        keyturn.target.answer(lookUp: .missing)
        #expect(try await keyturn.rotate().state == .failed)
        #expect(try await keyturn.states() == [1: .current, 2: .staged])
        #expect(try await Self.record(keyturn).version(.current)?.proof == .unproven)
        keyturn.target.answer(lookUp: .unavailable(reason))
        keyturn.target.answer(puts: [.rejected(reason)])
        let calls = keyturn.target.calls.count
        #expect(try await keyturn.rotate().state == .rejected)
        #expect(
            keyturn.target.calls.suffix(from: calls) == [.put("key-two", RemoteFields()), .put("key-one", RemoteFields()), .validate])
        #expect(try await keyturn.states() == [1: .current, 2: .rejected])
        try await Self.rotateLater(keyturn)
        #expect(try await Self.kept(keyturn) == [3])
    }
}
