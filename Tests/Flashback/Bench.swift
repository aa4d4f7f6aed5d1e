import Flashback
import FlashbackStandIn
import Model
import Outbound
import Rotations
import Secrets

/// A stand-in and a target that talks to it, stopped when the test is over.
struct Bench {
    let standIn: StandIn
    let target: any RotationTarget
    let id: RemoteID

    static let defaultID = "550e8400-e29b-41d4-a716-446655440000"
    static let key = "sk-live-7Qm2Zr9XwK4tB8pL"
    static let standingKey = "sk-old-Vn3Hs6Yd1Fg0Jc5U"
    static let bearer = FlashbackStandIn.Options.defaultBearer
    static let refreshToken = FlashbackStandIn.Options.defaultRefreshToken
    /// Short, so that tests of time-outs are quick; long enough for a slow machine to answer in.
    static let quick = Limits(connect: .seconds(5), request: .seconds(5))
    /// For all others: what a loaded machine is slow with is no time-out.
    static let patient = Limits(connect: .seconds(120), request: .seconds(120))

    /// Runs `body` against a fresh stand-in that holds one configuration.
    static func with(
        _ options: FlashbackStandIn.Options = .init(), limits: Limits = patient, trust: TrustSetting = .ca, host: String = "127.0.0.1",
        workspaceID: String? = nil, now: Timestamp? = nil, _ body: (Bench) async throws -> Void
    ) async throws {
        let standIn = try await StandIn.start(options)
        standIn.addConfiguration(id: defaultID, name: "production", key: standingKey)
        let address = UpstreamAddress(
            name: try UpstreamName("fb"), baseURL: try BaseURL(standIn.baseURL(host: host), plainHTTP: .allowed),
            caPEM: trust.caPEM(of: standIn),
            pinSHA256: trust.pin(of: standIn), workspaceID: workspaceID)
        let backend =
            if let now { FlashbackBackend(limits: InForce(limits), now: { now }) } else { FlashbackBackend(limits: InForce(limits)) }
        do {
            try await body(Bench(standIn: standIn, target: backend.target(at: address), id: try RemoteID(defaultID)))
        } catch {
            await standIn.stop()
            throw error
        }
        await standIn.stop()
    }

    enum TrustSetting: Sendable {
        case system, ca, pin, wrongPin, caAndPin, caAndWrongPin, badCA

        func caPEM(of standIn: StandIn) -> String? {
            switch self {
            case .ca, .caAndPin, .caAndWrongPin: standIn.caPEM
            case .system, .pin, .wrongPin: nil
            case .badCA: "not a certificate"
            }
        }

        func pin(of standIn: StandIn) -> String? {
            switch self {
            case .pin, .caAndPin: standIn.spkiPin
            case .wrongPin, .caAndWrongPin: String(repeating: "ab", count: 32)
            case .system, .ca, .badCA: nil
            }
        }
    }

    func put(
        _ which: CredentialsInPlay.Which? = .offered, key: String? = Bench.key, secret: String? = nil, field: CredentialField = .key,
        fields: RemoteFields = RemoteFields(), bearer: String = Bench.bearer
    ) async -> PutAnswer {
        let secrets = Bench.secrets(key: key, secret: secret, bearer: bearer)
        return await target.put(which, of: secrets, field: field, fields: fields, to: id)
    }

    func validate(bearer: String = Bench.bearer) async -> ValidateAnswer {
        let secrets = Bench.secrets(key: Bench.key, secret: nil, bearer: bearer)
        return await target.validate(id, secrets: secrets)
    }

    func lookUp(_ id: RemoteID, noOlderThan age: Duration = .zero, bearer: String = Bench.bearer) async -> LookUpAnswer {
        let token = guarded(bearer)
        return await target.lookUp(id, noOlderThan: age, bearer: token)
    }

    func lookUp(noOlderThan age: Duration = .zero, bearer: String = Bench.bearer) async -> LookUpAnswer {
        await lookUp(id, noOlderThan: age, bearer: bearer)
    }

    static func secrets(key: String?, secret: String?, bearer: String) -> SecretsInPlay {
        SecretsInPlay(
            bearer: SharedSecret(guarded(bearer)),
            credentials: CredentialsInPlay(
                offered: Credential(key: key.map { guarded($0) }, secret: secret.map { guarded($0) }),
                standing: Credential(key: guarded(standingKey), secret: nil)))
    }
}

func guarded(_ text: String) -> Secret {
    Secret(count: text.utf8.count) { $0.copyBytes(from: text.utf8) }
}

func revealed(_ secret: borrowing Secret) -> String {
    secret.withBytes { span in String(decoding: (0..<span.byteCount).map { span.byte($0) }, as: UTF8.self) }
}

extension PutAnswer {
    var reason: Reason? {
        switch self {
        case .accepted, .noVerdict: nil
        case .denied(let reason), .rejected(let reason), .unauthorized(let reason), .refused(let reason), .notSent(let reason),
            .unknown(let reason, _):
            reason
        }
    }

    /// The case alone, for tables.
    var kind: String {
        switch self {
        case .accepted: "accepted"
        case .noVerdict: "noVerdict"
        case .denied: "denied"
        case .rejected: "rejected"
        case .unauthorized: "unauthorized"
        case .refused: "refused"
        case .notSent: "notSent"
        case .unknown: "unknown"
        }
    }
}

extension ValidateAnswer {
    var kind: String {
        switch self {
        case .works: "works"
        case .fails: "fails"
        case .notFound: "notFound"
        case .unsupported: "unsupported"
        case .unauthorized: "unauthorized"
        case .tooMany: "tooMany"
        case .inconclusive: "inconclusive"
        }
    }
}

extension Bench {
    /// A target without a stand-in behind it.
    static func target(at url: String, limits: Limits) throws -> any RotationTarget {
        FlashbackBackend(limits: InForce(limits)).target(
            at: UpstreamAddress(
                name: try UpstreamName("fb"), baseURL: try BaseURL(url, plainHTTP: .allowed), caPEM: nil, pinSHA256: nil, workspaceID: nil))
    }
}

extension RemoteID: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) {
        try! self.init(text)
    }
}
