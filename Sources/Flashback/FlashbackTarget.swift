internal import Model
internal import Outbound
internal import Rotations
internal import Secrets

/// The calls of the Flashback API, each one request. What an answer means is decided by the classifiers next door.
struct FlashbackTarget: RotationTarget {
    let upstream: Upstream
    let reporter: RequestReporter
    let now: @Sendable () -> Timestamp

    func put(
        _ which: CredentialsInPlay.Which?, of secrets: borrowing SecretsInPlay, field: CredentialField, fields: RemoteFields,
        to id: RemoteID
    ) async -> PutAnswer {
        guard let client = upstream.client else { return .notSent(Reason(Upstream.noTrust)) }
        let body: Secret? =
            switch which {
            case .offered: PutBody.make(secrets.credentials.offered, field: field, fields: fields)
            case .standing: PutBody.make(secrets.credentials.standing, field: field, fields: fields)
            case nil: PutBody.make(nil, field: field, fields: fields)
            }
        switch consume body {
        case .some(let body):
            let started = ContinuousClock.now
            let outcome = await client.send(Request(.put, "/ai/llm/\(id)"), bearer: secrets.bearer, body: body)
            reporter.report(.put, outcome, since: started)
            let reply = Reply(outcome, now: now()) { Self.hide(secrets, in: &$0) }
            return PutAnswer(reply, id: id)
        case .none: return .refused(Reason("there is nothing to put"))
        }
    }

    func validate(_ id: RemoteID, secrets: borrowing SecretsInPlay) async -> ValidateAnswer {
        guard let client = upstream.client else { return .inconclusive(Reason(Upstream.noTrust)) }
        let started = ContinuousClock.now
        let outcome = await client.send(Request(.post, "/ai/llm/\(id)/validate"), bearer: secrets.bearer)
        reporter.report(.post, outcome, since: started)
        return ValidateAnswer(Reply(outcome, now: now()) { Self.hide(secrets, in: &$0) }, id: id)
    }

    func lookUp(_ id: RemoteID, noOlderThan age: Duration, bearer: borrowing Secret) async -> LookUpAnswer {
        guard let client = upstream.client else { return .unavailable(Reason(Upstream.noTrust)) }
        let request = ListRequest(client: client, workspaceID: upstream.workspaceID, reporter: reporter, now: now)
        switch await upstream.listing.read(noOlderThan: age, bearer: bearer, by: request) {
        case .entries(let entries):
            guard let entry = entries[id.description] else { return .missing }
            return .listed(fields: entry.fields, usesSharedKey: entry.usesSharedKey)
        case .unauthorized(let reason): return .unauthorized(reason)
        case .unavailable(let reason), .cancelled(let reason): return .unavailable(reason)
        }
    }

    func refresh(with token: borrowing Secret) async -> RefreshAnswer {
        guard let client = upstream.client else { return .notSent(Reason(Upstream.noTrust)) }
        let started = ContinuousClock.now
        let outcome = await client.send(Request(.post, "/user/refresh"), body: RefreshBody.make(token))
        reporter.report(.post, outcome, since: started)
        return RefreshAnswer(outcome, token: token, now: now())
    }

    private static func hide(_ secrets: borrowing SecretsInPlay, in scrubber: inout Scrubber) {
        scrubber.hide(secrets.bearer)
        hide(secrets.credentials.offered, in: &scrubber)
        hide(secrets.credentials.standing, in: &scrubber)
    }

    private static func hide(_ credential: borrowing Credential?, in scrubber: inout Scrubber) {
        switch credential {
        case .some(let credential):
            scrubber.hide(credential.key)
            scrubber.hide(credential.secret)
        case .none: break
        }
    }
}

extension Scrubber {
    fileprivate mutating func hide(_ secret: borrowing Secret?) {
        switch secret {
        case .some(let secret): hide(secret)
        case .none: break
        }
    }
}

extension Reason {
    init(_ failure: Failure) {
        self.init(failure.what)
    }
}
