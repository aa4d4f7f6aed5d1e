import FlashbackStandIn
import Foundation
import Secrets
import TestProcesses

/// A backend, a vault and its daemon, worked over the socket without any program between: hundreds of runs must be quick.
struct Site: Sendable {
    let standIn: StandIn
    let keyturn: Installation

    static let config = "openai-prod"
    static let remoteID = "remote-1"
    /// What the backend holds at the start; version 1 once it is adopted.
    static let firstKey = "key-1-Zw8rTq2v"

    /// Short times; retries without end, so that nothing but a refusal gets stuck.
    static let settings = """
        stop_timeout: 2s
        rotation:
          connect_timeout: 2s
          request_timeout: 2s
          backoff_first: 5ms
          backoff_max: 40ms
          cycle: 300ms
          cycle_gaps: [100ms]
          cycles: 1000
          proof_gap: 5ms

        """

    /// The same, but even what was never sent is soon given up.
    static let hastySettings = settings.replacing("cycle: 300ms", with: "cycle: 30ms").replacing("[100ms]", with: "[10ms]")
        .replacing("cycles: 1000", with: "cycles: 2")

    /// Plain HTTP: what is tried here is not the connection.
    static func with<Outcome>(
        vault: String = "vault", _ body: (Site) async throws -> Outcome
    ) async throws -> Outcome {
        var options = Options()
        options.certificate = .plainHTTP
        let standIn = try await StandIn.start(options)
        standIn.addConfiguration(id: remoteID, name: "production", key: firstKey)
        let outcome: Result<Outcome, any Error>
        do {
            outcome = .success(
                try await Installation.with(settings: settings, vault: vault) { try await body(Site(standIn: standIn, keyturn: $0)) })
        } catch { outcome = .failure(error) }
        await standIn.stop()
        return try outcome.get()
    }

    // MARK: Calls

    func call(_ method: String, _ path: String, _ fields: [String: Any]? = nil, headers: [String] = []) async throws -> RawCall.Reply {
        let body = try fields.map { String(decoding: try JSONSerialization.data(withJSONObject: $0), as: UTF8.self) }
        return try await RawCall.send(method, path, body: body, headers: headers, to: keyturn.socket)
    }

    struct Refused: Error, CustomStringConvertible {
        let reply: RawCall.Reply
        var description: String { "\(reply.status) \(reply.body)" }
    }

    /// A call that must be granted.
    @discardableResult
    func granted(_ method: String, _ path: String, _ fields: [String: Any]? = nil) async throws -> Document {
        let reply = try await call(method, path, fields)
        guard (200..<300).contains(reply.status) else { throw Refused(reply: reply) }
        return try reply.document
    }

    func addUpstream() async throws { try await setBearer(#"{"access_token":"\#(Options.defaultBearer)"}"#) }

    /// A new token that the backend takes: one that it is called with, or one to refresh such tokens with.
    func giveToken(isRefresh: Bool) async throws {
        let token = UUID().uuidString
        if isRefresh { standIn.add(refreshToken: token) } else { standIn.add(bearer: token) }
        try await setBearer(#"{"\#(isRefresh ? "refresh_token" : "access_token")":"\#(token)"}"#)
    }

    private func setBearer(_ credential: String) async throws {
        let box = try await sealed(credential, purpose: "upstream-token", target: "fb")
        try await granted("PUT", "/v1/upstreams/fb", ["base_url": standIn.baseURL, "allow_plain_http": true].merging(box) { $1 })
    }

    func addConfig(graceSeconds: Int = 86_400) async throws {
        try await granted(
            "PUT", "/v1/configs/\(Self.config)",
            ["upstream": "fb", "remote_id": Self.remoteID, "ai_type": "OPENAI", "grace_seconds": graceSeconds])
    }

    /// The number of the new version.
    @discardableResult
    func stage(_ key: String, asCurrent: Bool = false) async throws -> Int {
        var fields: [String: Any] = try await sealed(#"{"key":"\#(key)"}"#, purpose: "stage", target: Self.config)
        if asCurrent { fields["as_current"] = true }
        guard let number = try await granted("POST", "/v1/configs/\(Self.config)/versions", fields)["version"].number else {
            throw CocoaError(.coderValueNotFound)
        }
        return number
    }

    /// Upstream, config, and the backend's first key adopted as version 1.
    func setUp(graceSeconds: Int = 86_400) async throws {
        try await addUpstream()
        try await addConfig(graceSeconds: graceSeconds)
        try await stage(Self.firstKey, asCurrent: true)
    }

    static let rotate = "/v1/configs/\(config)/rotate"

    private func sealed(_ credential: String, purpose: String, target: String) async throws -> [String: String] {
        let offer = try await granted("GET", "/v1/intake-key")
        guard let text = offer["key"].text, let id = offer["key_id"].text,
            let key = Data(base64Encoded: text).flatMap({ BoxPublicKey(bytes: Array($0)) })
        else { throw CocoaError(.coderValueNotFound) }
        let envelope =
            #"{"v":1,"purpose":"\#(purpose)","target":"\#(target)","box":"\#(UUID().uuidString.lowercased())","expires_at":null,"credential":\#(credential)}"#
        return ["encrypted_value": Data(key.seal(Array(envelope.utf8).span.bytes)).base64EncodedString(), "key_id": id]
    }
}
