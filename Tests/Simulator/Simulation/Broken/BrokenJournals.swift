import Model
import Operations
import Rotations
import Vault

struct JournalWithoutOutcome: RotationJournal {
    let honest: any RotationJournal

    func commit(_ rotation: Rotation) async throws {
        if !rotation.state.hasEnded { try await honest.commit(rotation) }
    }

    func rotation(_ id: RotationID) async throws -> Rotation? { try await honest.rotation(id) }
    func isPaused(_ config: ConfigName) async throws -> Bool { try await honest.isPaused(config) }
    func credentials(of rotation: Rotation) async throws -> CredentialsInPlay { try await honest.credentials(of: rotation) }
}

struct JournalThatMovesDue: RotationJournal {
    let honest: any RotationJournal
    let vault: VaultStore

    func commit(_ rotation: Rotation) async throws { try await honest.commit(rotation) }
    func rotation(_ id: RotationID) async throws -> Rotation? { try await honest.rotation(id) }
    func isPaused(_ config: ConfigName) async throws -> Bool { try await honest.isPaused(config) }

    /// The last thing before a PUT.
    func credentials(of rotation: Rotation) async throws -> CredentialsInPlay {
        try await vault.write { transaction in
            guard var config = try transaction.get(.config, .named(rotation.config.description)), let due = config.dueAt else {
                return .unchanged(())
            }
            config.dueAt = due + .seconds(3600)
            try transaction.put(.config, .named(rotation.config.description), config)
            return .changed((), AuditEvent(at: due, "rotation.continued", by: nil, config: rotation.config, rotation: rotation.id))
        }
        return try await honest.credentials(of: rotation)
    }
}
