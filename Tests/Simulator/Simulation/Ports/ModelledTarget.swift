import Model
import Rotations
import Secrets
import TestSupport

/// The port to the modelled backends. Each request takes its time; a killed daemon's requests stay under way without it.
final class ModelledTarget: RotationTarget, @unchecked Sendable {
    // SAFETY: used from the scheduler's thread alone.
    private let upstream: UpstreamName
    private unowned let world: World

    init(of upstream: UpstreamName, in world: World) {
        self.upstream = upstream
        self.world = world
    }

    private static let gone = Reason("the process is gone")
    private static let latency = Duration.milliseconds(40)

    func put(
        _ which: CredentialsInPlay.Which?, of secrets: borrowing SecretsInPlay, field: CredentialField, fields: RemoteFields,
        to id: RemoteID
    ) async -> PutAnswer {
        guard world.survives(.beforePut) else { return .unknown(Self.gone, retryAfter: nil) }
        let value: String? =
            switch which {
            case .offered: secrets.credentials.offered.spelled
            case .standing: secrets.credentials.standing.spelled
            case nil: nil
            }
        world.oracle.sending(value, as: which, to: id)
        let backend = world.backend
        let row = nextRow(of: id, bearer: secrets.bearer.spelled)
        world.trace("PUT \(value ?? "fields") to \(id): \(row.rawValue)")
        let straggler = backend.depart(value, to: id)
        backend.remotes[id]?.underWay += 1
        defer { if !world.isCrashed { backend.remotes[id]?.underWay -= 1 } }
        switch row.effect {
        case .never: world.time.schedule(after: row.latency) { backend.lost(straggler, to: id) }
        case .atOnce: land(straggler, fields, in: id, after: row.latency / 2, late: false)
        case .late(let delay): land(straggler, fields, in: id, after: row.latency + delay, late: true)
        }
        guard world.survives(.putSent) else { return .unknown(Self.gone, retryAfter: nil) }
        await world.time.sleep(for: row.latency)
        guard world.survives(.putAnswered) else { return .unknown(Self.gone, retryAfter: nil) }
        world.oracle.heard(of: id)
        world.oracle.heard(row.answer, to: id)
        return row.answer
    }

    private func nextRow(of id: RemoteID, bearer: String) -> PutRow {
        let backend = world.backend
        guard backend.upstreams[upstream]?.access.contains(bearer) == true else { return .unauthorized }
        guard let remote = backend.remotes[id], !remote.isGone else { return .notFound }
        return remote.puts.isEmpty ? .accepted : backend.remotes[id]?.puts.removeFirst() ?? .accepted
    }

    private func land(_ straggler: Backend.Straggler, _ fields: RemoteFields, in id: RemoteID, after delay: Duration, late: Bool) {
        world.time.schedule(after: delay) { [world] in
            world.trace("\(id) holds \(straggler.value ?? "new fields")\(late ? ", late" : "")")
            world.backend.landed(straggler, fields: fields, in: id, late: late)
            world.oracle.stored(in: id)
        }
    }

    func validate(_ id: RemoteID, secrets: borrowing SecretsInPlay) async -> ValidateAnswer {
        guard world.survives(.beforeValidate) else { return .inconclusive(Self.gone) }
        let backend = world.backend
        world.oracle.asking(id)
        backend.remotes[id]?.underWay += 1
        defer { if !world.isCrashed { backend.remotes[id]?.underWay -= 1 } }
        let isWelcome = backend.upstreams[upstream]?.access.contains(secrets.bearer.spelled) == true
        await world.time.sleep(for: Self.latency)
        let answer: ValidateAnswer =
            if !isWelcome {
                ValidateRow.unauthorized.answer(keyWorks: false)
            } else if let remote = backend.remotes[id], !remote.isGone {
                (remote.validates.isEmpty ? .truthful : backend.remotes[id]?.validates.removeFirst() ?? .truthful)
                    .answer(keyWorks: backend.keyWorks(id))
            } else {
                ValidateRow.notFound.answer(keyWorks: false)
            }
        guard world.survives(.validateAnswered) else { return .inconclusive(Self.gone) }
        world.trace("validate \(id): \(answer.short)")
        world.oracle.heard(of: id)
        world.oracle.heard(answer, of: id)
        return answer
    }

    func lookUp(_ id: RemoteID, noOlderThan age: Duration, bearer: borrowing Secret) async -> LookUpAnswer {
        let backend = world.backend
        let isWelcome = backend.upstreams[upstream]?.access.contains(bearer.spelled) == true
        await world.time.sleep(for: Self.latency)
        guard world.survives(.lookedUp) else { return .unavailable(Self.gone) }
        guard backend.upstreams[upstream]?.hasList == true else { return .unavailable(Reason("there is no list")) }
        guard isWelcome else { return .unauthorized(Reason("the list wants another bearer")) }
        guard let remote = backend.remotes[id], !remote.isGone, !remote.isUnlisted else { return .missing }
        return .listed(fields: remote.fields, usesSharedKey: remote.usesSharedKey)
    }

    func refresh(with token: borrowing Secret) async -> RefreshAnswer {
        let token = token.spelled
        guard world.survives(.beforeRefresh) else { return .unknown(Self.gone) }
        world.oracle.refreshing(with: token)
        // Without a token it may end on what was said before.
        world.oracle.forgetVerdicts(of: Scene.configs.filter { Scene.upstream(of: $0) == upstream })
        let backend = world.backend
        await world.time.sleep(for: Self.latency)
        guard var books = backend.upstreams[upstream] else { return .unknown(Reason("there is no such backend")) }
        let row = books.refreshes.isEmpty ? .refreshedWithNewToken : books.refreshes.removeFirst()
        if row == .refusedConnection {
            backend.upstreams[upstream] = books
            guard world.survives(.refreshAnswered) else { return .unknown(Self.gone) }
            return .notSent(Reason("no connection for the refresh"))
        }
        guard books.refresh == token, row != .refused else {
            backend.upstreams[upstream] = books
            guard world.survives(.refreshAnswered) else { return .unknown(Self.gone) }
            return .refused(Reason("the backend does not take the refresh token"))
        }
        books.tokensMade += 1
        let fresh = "access-\(upstream)-\(books.tokensMade)"
        var renewed: String?
        switch row {
        case .refreshed: books.access.insert(fresh)
        case .refreshedWithNewToken:
            books.access.insert(fresh)
            renewed = "refresh-\(upstream)-\(books.tokensMade)"
            books.refresh = renewed
        case .unknownUsedUp: books.refresh = nil
        case .unknownUntouched, .refused, .refusedConnection: break
        }
        backend.upstreams[upstream] = books
        world.trace("refresh at \(upstream): \(row.rawValue)")
        guard world.survives(.refreshAnswered) else { return .unknown(Self.gone) }
        switch row {
        case .unknownUsedUp, .unknownUntouched, .refused, .refusedConnection: return .unknown(Reason("the refresh was not answered"))
        case .refreshed, .refreshedWithNewToken:
            return .refreshed(
                RefreshedTokens(
                    access: Secret(spelled: fresh), refresh: renewed.map(Secret.init(spelled:)),
                    expiresAt: world.time.now() + .seconds(3600)))
        }
    }
}

/// The targets of all modelled backends.
struct ModelledTargets: TargetProvider {
    let targets: [UpstreamName: any RotationTarget]

    func target(at address: UpstreamAddress) -> any RotationTarget {
        guard let target = targets[address.name] else { preconditionFailure("no backend is modelled for \(address.name)") }
        return target
    }

    /// It changes nothing, so nothing is lost by leaving it out of the model.
    func look(at address: UpstreamAddress, bearer: borrowing Secret?) async -> UpstreamSight { UpstreamSight(.well) }
}

extension ValidateAnswer {
    fileprivate var short: String {
        switch self {
        case .works: "works"
        case .fails(let reason), .notFound(let reason), .unsupported(let reason), .unauthorized(let reason), .tooMany(let reason, _),
            .inconclusive(let reason):
            reason.what
        }
    }
}
