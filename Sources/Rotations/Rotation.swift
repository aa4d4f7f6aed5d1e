package import Model

/// A rotation with its identity: what is journalled, resumed and shown.
package struct Rotation: Sendable, Equatable, Codable {
    package let id: RotationID
    package let config: ConfigName
    /// The version that it puts; `nil` for a change of non-secret fields.
    package let version: VersionNumber?
    /// The version that was current when it began.
    package let standingVersion: VersionNumber?
    /// The version whose credential a rollback brings back.
    package let rollbackOf: VersionNumber?
    /// The vault's quarantine in which it was begun: it puts a key that is newer than what the vault was copied from.
    package let quarantine: String?
    package let request: Request
    package var machine: RotationMachine
    package var endedAt: Timestamp?

    /// Who wanted it, when and why.
    package struct Request: Sendable, Equatable, Codable {
        package let at: Timestamp
        package let uid: UInt32
        package let unit: String?
        package let reason: String?
        /// The standing credential is burnt: no grace for it, and it is never put back by itself.
        package let isCompromised: Bool

        package init(at: Timestamp, uid: UInt32, unit: String?, reason: String?, isCompromised: Bool) {
            self.at = at
            self.uid = uid
            self.unit = unit
            self.reason = reason
            self.isCompromised = isCompromised
        }
    }

    package init(
        id: RotationID, config: ConfigName, version: VersionNumber?, standingVersion: VersionNumber?, rollbackOf: VersionNumber? = nil,
        quarantine: String? = nil, request: Request,
        machine: RotationMachine
    ) {
        self.id = id
        self.config = config
        self.version = version
        self.standingVersion = standingVersion
        self.rollbackOf = rollbackOf
        self.quarantine = quarantine
        self.request = request
        self.machine = machine
    }

    package var state: RotationState {
        switch machine.phase {
        case .putting, .validating, .lookingUp: .running
        case .waiting: .waiting
        case .stuck: .stuck
        case .ended(.succeeded): .succeeded
        case .ended(.rejected): .rejected
        case .ended(.failed): .failed
        case .ended(.cancelled): .cancelled
        }
    }
}
