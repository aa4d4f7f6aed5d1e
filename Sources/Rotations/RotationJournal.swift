package import Model

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

/// Sees each step as it happens, durable or not; for those who watch and for the debug log. Must not block.
package protocol RotationObserver: Sendable {
    func rotation(_ rotation: Rotation, does step: RotationStep)
    func rotation(_ rotation: Rotation, got answer: String)
    /// The journal can't be read or written; it is tried again.
    func rotation(_ rotation: Rotation, cannotGoOn error: any Error)
}
