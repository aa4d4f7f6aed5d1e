package import Model
package import Rotations
import Secrets
package import Vault

/// The rotations' journal over the vault: what each phase means for the config, in one transaction with its audit entry.
package struct VaultJournal: RotationJournal {
    private let vault: VaultStore
    private let clock: any RotationClock
    private let limits: InForce<OperationLimits>
    private let stragglers: StragglerWatch

    package init(vault: VaultStore, clock: any RotationClock, limits: InForce<OperationLimits>, stragglers: StragglerWatch) {
        self.vault = vault
        self.clock = clock
        self.limits = limits
        self.stragglers = stragglers
    }

    package func rotation(_ id: RotationID) async throws -> Rotation? {
        try await vault.read { view in
            guard let rotation = try view.get(.rotation, .timed(id)) else { return nil }
            try view.requireGoingOn(rotation)
            return rotation
        }
    }

    package func isPaused(_ config: ConfigName) async throws -> Bool {
        let now = clock.now()
        return try await vault.read { try $0.get(.config, .named(config))?.isPaused(at: now) ?? false }
    }

    package func credentials(of rotation: Rotation) async throws -> CredentialsInPlay {
        try await vault.read { try $0.requireGoingOn(rotation) }
        return CredentialsInPlay(
            offered: try await credential(rotation.config, rotation.version ?? rotation.standingVersion),
            standing: rotation.version == rotation.standingVersion ? nil : try await credential(rotation.config, rotation.standingVersion))
    }

    private func credential(_ config: ConfigName, _ version: VersionNumber?) async throws -> Credential? {
        guard let version else { return nil }
        let packed: Secret?
        do { packed = try await vault.readSecret { try $0.get(.credential, .version(config, version)) } } catch {
            guard case .damaged = error as? VaultError else { throw error }
            throw UnreadableCredential(Reason("the vault's record of kind 'credential' of version \(version) is damaged"))
        }
        guard let packed else {
            throw UnreadableCredential(Reason("the vault's record of kind 'credential' of version \(version) is gone"))
        }
        guard let credential = Credential.unpacked(packed) else {
            throw UnreadableCredential(Reason("the vault's record of kind 'credential' of version \(version) is damaged"))
        }
        return credential
    }

    package func commit(_ rotation: Rotation) async throws {
        let now = clock.now()
        let (limits, stragglers) = (limits.current, stragglers)
        try await vault.write(.begun) { transaction in
            if let durable = try transaction.get(.rotation, .timed(rotation.id)), durable.state.hasEnded {
                guard durable.machine.phase == rotation.machine.phase else { throw RotationIsOver() }
                return .unchanged(())
            }
            try transaction.requireGoingOn(rotation)
            return .changed((), try transaction.record(rotation, at: now, limits, stragglers))
        }
    }
}

extension RecordReader {
    /// Nothing of a config in quarantine goes out that was not begun in it.
    fileprivate func requireGoingOn(_ rotation: Rotation) throws {
        guard let config = try get(.config, .named(rotation.config)), let quarantine = try quarantine(of: config),
            rotation.quarantine != quarantine.id
        else { return }
        throw RotationIsOver()
    }
}

extension Transaction {
    /// A rotation as it stands, with all that its phase means for the config. Returns its audit entry.
    mutating func record(_ rotation: Rotation, at now: Timestamp, _ limits: OperationLimits, _ stragglers: StragglerWatch) throws
        -> AuditEvent
    {
        try put(.rotation, .timed(rotation.id), rotation)
        var event = AuditEvent(
            at: now, rotation.eventName, by: nil, config: rotation.config, upstream: rotation.machine.plan.upstream.name,
            rotation: rotation.id, version: rotation.version, outcome: rotation.state.rawValue)
        event.reason = rotation.machine.lastReason?.what
        if case .ended(let ending) = rotation.machine.phase {
            event.reason = ending.reason?.what
            try RotationOutcome(rotation: rotation, ending: ending, now: now, limits: limits, stragglers: stragglers).apply(in: &self)
        }
        return event
    }
}

extension Rotation {
    /// How the audit log calls what was just made durable.
    var eventName: String {
        switch machine.phase {
        case .putting(.standing): "rotation.reverting"
        case .putting(.offered), .validating, .lookingUp: "rotation.continued"
        case .waiting: "rotation.waiting"
        case .stuck: "rotation.stuck"
        case .ended(.succeeded): "rotation.succeeded"
        case .ended(.rejected): "rotation.rejected"
        case .ended(.failed): "rotation.failed"
        case .ended(.cancelled): "rotation.cancelled"
        }
    }
}

extension RotationEnding {
    /// What there is to say about it: the reason of a bad end, the warning of a good one.
    package var reason: Reason? {
        switch self {
        case .succeeded(_, let warning): warning
        case .rejected(let reason, _), .failed(let reason, _): reason
        case .cancelled: nil
        }
    }
}
