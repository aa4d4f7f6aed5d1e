package import Model

/// What a rotation set out to do, pinned when it was requested: later changes of the config don't touch it.
package struct RotationPlan: Sendable, Equatable, Codable {
    package let kind: Kind
    package let upstream: UpstreamAddress
    package let remoteID: RemoteID
    package let field: CredentialField
    /// The non-secret fields that go with the offered credential.
    package let fields: RemoteFields
    /// The same fields as they were, for the way back.
    package let formerFields: RemoteFields
    package let wayBack: WayBack
    /// Whether a validate follows an accepted PUT.
    package let proves: Bool
    /// Whether a PUT of some other version, from an earlier rotation, may land after this one's: then no validate shows which key is stored.
    /// Not in records of before there was such a word.
    package let othersMayLand: Bool?
    /// Whether an earlier rotation's PUT of the same version may be what the backend holds: then a refusal of this one's shows nothing about it.
    package let mayBeHeld: Bool?

    package enum Kind: String, Sendable, Codable {
        /// Makes the pending version current.
        case rotate
        /// The same, with the credential of the newest previous version.
        case rollback
        /// Changes only the non-secret fields.
        case remote
        /// Validates the current version and changes nothing.
        case prove
    }

    /// Whether the earlier state can be put back when the new one fails.
    package enum WayBack: String, Sendable, Codable {
        case open
        /// Nothing earlier is known here.
        case unknown
        /// The earlier credential is compromised: it goes back only by the operator's word.
        case compromised
    }

    package init(
        kind: Kind, upstream: UpstreamAddress, remoteID: RemoteID, field: CredentialField, fields: RemoteFields, formerFields: RemoteFields,
        wayBack: WayBack, proves: Bool, othersMayLand: Bool = false, mayBeHeld: Bool = false
    ) {
        self.kind = kind
        self.upstream = upstream
        self.remoteID = remoteID
        self.field = field
        self.fields = fields
        self.formerFields = formerFields
        self.wayBack = wayBack
        self.proves = proves
        self.othersMayLand = othersMayLand
        self.mayBeHeld = mayBeHeld
    }
}
