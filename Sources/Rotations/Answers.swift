package import Model
package import Secrets

/// What a PUT came to.
package enum PutAnswer: Sendable, Equatable {
    /// 200 with `success: true` and, if any, our own id.
    case accepted
    /// 200 with `success: false`: it says no, but may have stored it.
    case denied(Reason)
    /// 200 with an empty body, or well-formed JSON without `success`.
    case noVerdict
    /// 400.
    case rejected(Reason)
    /// 401.
    case unauthorized(Reason)
    /// 403, 404, 3xx and every other 4xx: nothing was stored, and sending it again changes nothing.
    case refused(Reason)
    /// No byte of it went out: nothing can have been stored.
    case notSent(Reason)
    /// Anything else: it may or may not have been stored.
    case unknown(Reason, retryAfter: Duration?)
}

/// What a validate came to.
package enum ValidateAnswer: Sendable, Equatable {
    /// 200 with `success: true`.
    case works
    /// 200 with `success: false`.
    case fails(Reason)
    /// 404: a backend without the call, or without the configuration.
    case notFound(Reason)
    /// 405 or 501: a backend without the call.
    case unsupported(Reason)
    /// 401.
    case unauthorized(Reason)
    /// 429.
    case tooMany(Reason, retryAfter: Duration?)
    /// 403, 5xx, 200 without `success`, garbage, unreachable: nothing was learnt.
    case inconclusive(Reason)
}

/// What the backend's list says of one configuration.
package enum LookUpAnswer: Sendable, Equatable {
    /// `fields` are the non-secret values as listed.
    case listed(fields: RemoteFields, usesSharedKey: Bool)
    /// The list was read to its end and does not have it.
    case missing
    /// 401.
    case unauthorized(Reason)
    /// No list, or none that could be read: no obstacle.
    case unavailable(Reason)
}

/// What became of a refresh token.
package enum RefreshAnswer: ~Copyable, Sendable {
    case refreshed(RefreshedTokens)
    /// The backend does not take the token.
    case refused(Reason)
    /// No byte of it went out: the token is what it was.
    case notSent(Reason)
    /// It may have been used up.
    case unknown(Reason)
}

package struct RefreshedTokens: ~Copyable, Sendable {
    package let access: Secret
    /// Missing where the backend did not hand out a new one.
    package let refresh: Secret?
    package let expiresAt: Timestamp?

    package init(access: consuming Secret, refresh: consuming Secret?, expiresAt: Timestamp?) {
        self.access = access
        self.refresh = refresh
        self.expiresAt = expiresAt
    }
}
