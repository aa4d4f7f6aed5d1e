package import Model
package import Secrets

/// The backend at one upstream. Nothing here throws: whatever happens on the way is an answer, and "refused" and "unknown" never share a case.
/// Every call may be repeated; each is one request, bounded in time, without retries of its own.
package protocol RotationTarget: Sendable {
    /// Stores one of the credentials in play, or only `fields` where `which` is nil, in the configuration `id`.
    /// A lone API key goes into `field`. The messages in the answer are scrubbed of everything in `secrets`.
    func put(
        _ which: CredentialsInPlay.Which?, of secrets: borrowing SecretsInPlay, field: CredentialField, fields: RemoteFields,
        to id: RemoteID
    ) async
        -> PutAnswer

    /// Has the backend try the stored credential of `id` at its provider. Changes nothing.
    func validate(_ id: RemoteID, secrets: borrowing SecretsInPlay) async -> ValidateAnswer

    /// What the backend lists of `id`; may be answered from a list that is at most `age` old.
    func lookUp(_ id: RemoteID, noOlderThan age: Duration, bearer: borrowing Secret) async -> LookUpAnswer

    /// Trades a refresh token for new tokens. The old one must be taken for dead afterwards.
    func refresh(with token: borrowing Secret) async -> RefreshAnswer
}

/// Makes the target of an upstream as a rotation pinned it; reuses connections between calls.
package protocol TargetProvider: Sendable {
    func target(at address: UpstreamAddress) -> any RotationTarget

    /// Whether the backend is there: asks for its list and lets go of what comes. Changes nothing. Without a bearer it can't take one amiss.
    func look(at address: UpstreamAddress, bearer: borrowing Secret?) async -> UpstreamSight
}

/// What was seen of a backend.
package struct UpstreamSight: Sendable, Equatable {
    package let answer: Answer
    /// What its clock says, to the second, where it tells.
    package let time: Timestamp?

    package enum Answer: Sendable, Equatable {
        /// It is there, and has nothing against the bearer, if there was one.
        case well
        /// 401 to the bearer.
        case unauthorized(Reason)
        /// No connection that could be trusted.
        case untrusted(Reason)
        /// No connection, no answer, or one that no backend gives when it is well.
        case unreachable(Reason)
    }

    package init(_ answer: Answer, time: Timestamp? = nil) {
        self.answer = answer
        self.time = time
    }
}

/// The credentials that a rotation moves between. Either may be missing: nothing is known before the first one, and
/// a change of non-secret fields offers none.
package struct CredentialsInPlay: ~Copyable, Sendable {
    /// The one to be put.
    package let offered: Credential?
    /// The one that is current, and goes back when the offered one fails.
    package let standing: Credential?

    package enum Which: String, Sendable, Codable {
        case offered, standing
    }

    package init(offered: consuming Credential?, standing: consuming Credential?) {
        self.offered = offered
        self.standing = standing
    }
}

/// All that must never show in a message of the backend while a request is under way.
package struct SecretsInPlay: ~Copyable, Sendable {
    private let sharedBearer: SharedSecret
    package let credentials: CredentialsInPlay

    package var bearer: Secret {
        _read { yield sharedBearer.secret }
    }

    package init(bearer: SharedSecret, credentials: consuming CredentialsInPlay) {
        sharedBearer = bearer
        self.credentials = credentials
    }

    /// Takes the credentials out again, for the next act.
    consuming func release() -> CredentialsInPlay { credentials }
}
