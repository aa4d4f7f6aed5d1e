import Model
import Operations
import Rotations
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct `An upstream that moves to another backend` {
    @Test func `takes along no proof, and none is had by asking there`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        _ = try await keyturn.rotate()
        var request = RotationRequest(.remote)
        request.fields = RemoteFields(name: "here")
        _ = try await keyturn.rotate(request)
        let address = UpstreamAddress(
            name: ServiceHarness.upstream, baseURL: try BaseURL("https://elsewhere.test", plainHTTP: .refused), caPEM: nil, pinSHA256: nil,
            workspaceID: nil)
        let bearer = try await keyturn.box("upstream-token", target: "fb", credential: #"{"access_token":"bearer-2"}"#)
        try await keyturn.service.putUpstream(
            ServiceHarness.upstream, UpstreamSettings(address: address, allowsPlainHTTP: false), bearer: bearer, as: ServiceHarness.root)
        #expect(try await Self.record(keyturn).version(.current)?.proof == .unproven)
        #expect(try await Self.record(keyturn).remoteFields == RemoteFields(), "what was seen there may be otherwise here")
        _ = try await keyturn.rotate(RotationRequest(.prove))
        #expect(try await Self.record(keyturn).version(.current)?.proof == .unproven)
        try await keyturn.stage("key-two")
        _ = try await keyturn.rotate()
        #expect(try await Self.record(keyturn).version(.current)?.proof == .proven)
    }

    private static func record(_ keyturn: ServiceHarness) async throws -> ConfigRecord {
        try await keyturn.service.config(ServiceHarness.config, as: ServiceHarness.root).record
    }
}
