package import Model
package import Secrets

/// The bearers of the upstreams. One renewal an upstream at a time.
package protocol BearerKeeper: Sendable {
    /// The bearer to use now, renewed first where it is known to have expired.
    func bearer(of upstream: UpstreamAddress) async throws -> BearerSupply

    /// After a 401 on the bearer of `generation`. Throws when nothing could be asked for, since that could not be made durable first; it may
    /// be called again.
    func renew(_ upstream: UpstreamName, refused generation: Int) async throws -> BearerRenewal

    /// Of the newest bearer for this very address, whether it works or not; 0 where none was ever given. Asks nobody.
    func generation(of upstream: UpstreamAddress) async throws -> Int

    /// From now on `tell` hears of each upstream whose bearer was refreshed. Called once, before anything else.
    func whenRefreshed(_ tell: @escaping @Sendable (UpstreamName) -> Void)
}

package struct Bearer: Sendable {
    package let token: SharedSecret
    /// Grows with every change of the stored bearer.
    package let generation: Int

    package init(token: SharedSecret, generation: Int) {
        self.token = token
        self.generation = generation
    }
}

package enum BearerSupply: Sendable {
    case bearer(Bearer)
    /// `generation`: of what was tried in vain, so that a newer one can be told from it.
    case lacking(BearerLack, generation: Int)
}

package enum BearerRenewal: Sendable, Equatable {
    /// A newer one is there.
    case renewed
    case lacking(BearerLack)
}

/// Why there is no bearer that works.
package enum BearerLack: Sendable, Equatable {
    /// Somebody has to give one; with the reason, where it is another than the backend's 401.
    case token(Reason?)
    /// The refresh token may be as good as ever: its use came to no answer, or never went out.
    case refresh(Reason)
}
