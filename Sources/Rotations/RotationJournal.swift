package import Model
package import Secrets

/// Where a rotation's steps become durable. Implemented over the vault.
package protocol RotationJournal: Sendable {
    /// Makes `rotation` as it stands durable, together with everything that its phase means for the config and with its audit entry.
    /// Returns only when it can't be lost any more. May be called again with the same value. `RotationIsOver` where it must not go on.
    func commit(_ rotation: Rotation) async throws

    /// What was made durable last; `nil` when there is no such rotation. `RotationIsOver` where it must not go on.
    func rotation(_ id: RotationID) async throws -> Rotation?

    /// Whether the config is paused at this moment: then nothing of it is retried.
    func isPaused(_ config: ConfigName) async throws -> Bool

    /// The credentials that the rotation moves between, freshly opened. `UnreadableCredential` when one is damaged or gone,
    /// `RotationIsOver` where nothing of it may go out.
    func credentials(of rotation: Rotation) async throws -> CredentialsInPlay
}

/// A credential that a rotation needs is not what was stored: no repetition mends that.
package struct UnreadableCredential: Error {
    package let reason: Reason

    package init(_ reason: Reason) {
        self.reason = reason
    }
}

/// In the journal the rotation has ended otherwise, or a quarantine holds it: whoever drives it stops, and nothing more of it goes out.
package struct RotationIsOver: Error {
    package init() {}
}

/// The bearers of the upstreams. One renewal an upstream at a time.
package protocol BearerKeeper: Sendable {
    /// The bearer to use now, renewed first where it is known to have expired. `nil`: there is none for this very address.
    func bearer(of upstream: UpstreamAddress) async throws -> Bearer?

    /// After a 401 on the bearer of `generation`: true when a newer one is there. Throws when nothing could be asked for, since that could
    /// not be made durable first; it may be called again.
    func renew(_ upstream: UpstreamName, refused generation: Int) async throws -> Bool
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

/// Sees each step as it happens, durable or not; for those who watch and for the debug log. Must not block.
package protocol RotationObserver: Sendable {
    func rotation(_ rotation: Rotation, does step: RotationStep)
    func rotation(_ rotation: Rotation, got answer: String)
    /// The journal can't be read or written; it is tried again.
    func rotation(_ rotation: Rotation, cannotGoOn error: any Error)
}
