import Model
import Operations
import Rotations
import TestSupport
import Testing

private let one = RemoteFields(endpoint: "https://one.test")
private let two = RemoteFields(endpoint: "https://two.test")

@Suite(.timeLimit(.minutes(5))) struct `A rollback over a key that came with other fields` {
    /// The first key stood with one endpoint, the second brought another.
    private static func rotated() async throws -> ServiceHarness {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-1")
        _ = try await keyturn.rotate()
        var request = RotationRequest(.remote)
        request.fields = one
        _ = try await keyturn.rotate(request)
        try await stage(#"{"key":"key-2","endpoint":"https://two.test"}"#, keyturn)
        #expect(try await keyturn.rotate().state == .succeeded)
        return keyturn
    }

    private static func stage(_ credential: String, _ keyturn: ServiceHarness) async throws {
        let box = try await keyturn.box(credential: credential)
        _ = try await keyturn.service.stage(box, for: ServiceHarness.config, .next, as: ServiceHarness.root)
    }

    private static func lastPut(_ keyturn: ServiceHarness) -> ScriptedTarget.Call? {
        keyturn.target.calls.last { if case .put = $0 { true } else { false } }
    }

    @Test func `puts the fields back with the key, and the other way round`() async throws {
        let keyturn = try await Self.rotated()
        #expect(try await keyturn.rotate(RotationRequest(.rollback)).state == .succeeded)
        #expect(Self.lastPut(keyturn) == .put("key-1", one))
        #expect(try await keyturn.rotate(RotationRequest(.rollback)).state == .succeeded)
        #expect(Self.lastPut(keyturn) == .put("key-2", two))
    }

    @Test func `that is refused its proof leaves the later key with the later fields`() async throws {
        let keyturn = try await Self.rotated()
        keyturn.target.answer(puts: [.denied(Reason("seen"))])
        #expect(try await keyturn.rotate(RotationRequest(.rollback)).state == .rejected)
        #expect(Self.lastPut(keyturn) == .put("key-2", two))
    }

    @Test func `knows the fields of a key that is two versions back`() async throws {
        let keyturn = try await Self.rotated()
        try await Self.stage(#"{"key":"key-3","endpoint":"https://three.test"}"#, keyturn)
        #expect(try await keyturn.rotate().state == .succeeded)
        _ = try await keyturn.service.discard(2, of: ServiceHarness.config, .previousToo, as: ServiceHarness.root)
        #expect(try await keyturn.rotate(RotationRequest(.rollback)).state == .succeeded)
        #expect(Self.lastPut(keyturn) == .put("key-1", one))
    }
}
