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

struct JournalWithoutPauses: RotationJournal {
    let honest: any RotationJournal

    func commit(_ rotation: Rotation) async throws { try await honest.commit(rotation) }
    func rotation(_ id: RotationID) async throws -> Rotation? { try await honest.rotation(id) }
    func isPaused(_ config: ConfigName) async throws -> Bool { false }
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

/// What a key was replaced by is enough for it to go.
struct JournalThatErasesEarly: RotationJournal {
    let honest: any RotationJournal
    let vault: VaultStore
    let proofs: Set<Proof>

    func commit(_ rotation: Rotation) async throws {
        try await honest.commit(rotation)
        if case .ended(.succeeded) = rotation.machine.phase { try await erasePrevious(of: rotation) }
    }

    func rotation(_ id: RotationID) async throws -> Rotation? { try await honest.rotation(id) }
    func isPaused(_ config: ConfigName) async throws -> Bool { try await honest.isPaused(config) }
    func credentials(of rotation: Rotation) async throws -> CredentialsInPlay { try await honest.credentials(of: rotation) }

    private func erasePrevious(of rotation: Rotation) async throws {
        let (name, proofs) = (rotation.config.description, proofs)
        try await vault.write { transaction in
            guard var config = try transaction.get(.config, .named(name)), let proof = config.version(.current)?.proof,
                proofs.contains(proof), let previous = config.newestPrevious
            else { return .unchanged(()) }
            config.versions.removeAll { $0.number == previous.number }
            try transaction.put(.config, .named(name), config)
            try transaction.erase(.credential, .numbered(name, previous.number))
            return .changed(
                (), AuditEvent(at: rotation.request.at, "version.erased", by: nil, config: config.name, version: previous.number))
        }
    }
}

/// How a rotation ended stands in its history, and not in its config.
struct JournalThatForgets: RotationJournal {
    let honest: any RotationJournal
    let vault: VaultStore
    let forget: @Sendable (inout ConfigRecord) -> Void

    func commit(_ rotation: Rotation) async throws {
        try await honest.commit(rotation)
        guard rotation.state.hasEnded else { return }
        try await vault.write { [forget] transaction in
            guard let config = try transaction.get(.config, .named(rotation.config.description)) else { return .unchanged(()) }
            var forgetful = config
            forget(&forgetful)
            guard forgetful != config else { return .unchanged(()) }
            try transaction.put(.config, .named(rotation.config.description), forgetful)
            return .changed(
                (),
                AuditEvent(at: rotation.request.at, "rotation.continued", by: nil, config: rotation.config, rotation: rotation.id))
        }
    }

    func rotation(_ id: RotationID) async throws -> Rotation? { try await honest.rotation(id) }
    func isPaused(_ config: ConfigName) async throws -> Bool { try await honest.isPaused(config) }
    func credentials(of rotation: Rotation) async throws -> CredentialsInPlay { try await honest.credentials(of: rotation) }
}
