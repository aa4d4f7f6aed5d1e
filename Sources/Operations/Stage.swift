package import Access
package import Model
import Rotations
import Secrets
import Vault

extension VaultService {
    /// Takes a sealed credential as the config's next version, or as what the backend already holds.
    package func stage(_ box: IncomingBox, for name: ConfigName, _ role: StagedRole, as caller: Caller) async throws -> VersionRecord {
        try caller.require(.stage, on: .config(name))
        if role == .current { try caller.require(.rotate, on: .config(name)) }
        let now = clock.now()
        let limits = limits
        return try await write { transaction in
            var config = try transaction.config(name).value
            let envelope = try transaction.take(box, for: .stage, target: name.description, at: now)
            let fields = try envelope.remoteFields()
            let credential = try envelope.credential()
            if !fields.isEmpty { try caller.require(.bind, on: .config(name)) }
            // First of all, so that whoever repeats a stage whose answer was lost reads that the key is there.
            try transaction.requireNoTwin(of: credential, in: config)
            try Self.check(credential, for: config, role, limits)
            if role == .current { try transaction.requireNothingUnfinished(in: config, at: now) }
            var version = VersionRecord(credential, fields, number: config.nextVersion, role, at: now)
            version.quarantine = try transaction.vaultState().quarantine?.id
            config.nextVersion += 1
            config.versions.append(version)
            config.hold = nil
            try transaction.put(.config, .named(name), config)
            try transaction.put(.credential, .version(name, version.number), credential.packed())
            let event = AuditEvent(
                at: now, role == .current ? "version.adopted" : "version.staged", by: caller.audited, config: name, version: version.number)
            return .changed(version, event)
        }
    }

    package enum StagedRole: Sendable {
        case next
        /// The backend holds it already: no PUT, and unproven until one of its own.
        case current
    }

    private static func check(
        _ credential: borrowing Credential, for config: ConfigRecord, _ role: StagedRole, _ limits: OperationLimits
    ) throws {
        switch role {
        case .current:
            if config.version(.current) != nil {
                throw Problem(
                    .badRequest, "The config '\(config.name)' has a current version already; only a first one can be adopted.",
                    nextStep: NextStep.versions(config.name))
            }
        case .next:
            let staged = config.versions.count { $0.state == .staged }
            guard staged < limits.stagedVersionsMax else {
                throw Problem(
                    .badRequest, "There are \(staged) staged versions already, which is the most there can be.",
                    nextStep: NextStep.versions(config.name))
            }
        }
        guard let current = config.version(.current) else { return }
        guard credential.hasKey == current.hasKey, credential.hasSecret == current.hasSecret else {
            throw Problem(
                .badRequest,
                "The credential must fill the same of 'key' and 'secret' as the current version, which has \(current.filled).",
                nextStep: NextStep.stage(config.name))
        }
    }
}

extension VersionRecord {
    init(
        _ credential: borrowing Credential, _ fields: RemoteFields, number: VersionNumber, _ role: VaultService.StagedRole,
        at now: Timestamp
    ) {
        self.init(
            number: number, state: role == .current ? .current : .staged, proof: role == .current ? .unproven : nil, createdAt: now,
            currentSince: role == .current ? now : nil, hasKey: credential.hasKey, hasSecret: credential.hasSecret, fields: fields)
    }

    var filled: String {
        hasKey && hasSecret ? "both" : hasKey ? "'key' alone" : "'secret' alone"
    }
}

extension SealedEnvelope {
    func credential() throws(Problem) -> Credential {
        let known: Set = ["key", "secret", "name", "endpoint", "aiType"]
        guard known.isSuperset(of: content.fields) else {
            throw Problem(.badRequest, "The credential has an unknown field; known are 'key', 'secret', 'name', 'endpoint' and 'aiType'.")
        }
        return Credential(key: try secret("key"), secret: try secret("secret"))
    }

    /// The non-secret fields that must change in the same PUT.
    func remoteFields() throws(Problem) -> RemoteFields {
        RemoteFields(
            name: try text("name"), endpoint: try text("endpoint"),
            aiType: try text("aiType").map { (text) throws(Problem) in
                do throws(InvalidValue) { return try AIType(text) } catch { throw .badField("aiType", error) }
            })
    }

    /// At least one of `key` and `secret` must be there.
    private func secret(_ field: String) throws(Problem) -> Secret? {
        guard content.has("key") || content.has("secret") else {
            throw Problem(.badRequest, "The credential has neither 'key' nor 'secret'.")
        }
        guard content.has(field) else { return nil }
        guard let secret = content.secret(field) else { throw .badField(field, InvalidValue("a string")) }
        try requireUsable(secret, field)
        return secret
    }

    private func text(_ field: String) throws(Problem) -> String? {
        guard content.has(field) else { return nil }
        guard let text = content.text(field) else { throw .badField(field, InvalidValue("a string")) }
        return try RemoteFields.checked(text, field)
    }
}

extension RemoteFields {
    /// Never empty: whether that would clear the field at the backend is not known.
    package static func checked(_ text: String, _ field: String) throws(Problem) -> String {
        let isPlain = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
        guard !text.isEmpty, text.utf8.count <= 2048, isPlain else {
            throw .badField(field, InvalidValue("1 to 2048 bytes without control characters"))
        }
        return text
    }
}

extension Transaction {
    /// A credential that some live version already has would make "which key is stored" undecidable.
    func requireNoTwin(of credential: borrowing Credential, in config: ConfigRecord) throws {
        for version in config.versions {
            guard let packed = try get(.credential, .version(config.name, version.number)) else { continue }
            guard let other = Credential.unpacked(packed) else { throw VaultError.damaged(kind: "credential") }
            if credential.matches(other) {
                throw Problem(
                    .duplicateKey, "The credential equals that of version \(version.number), which is \(version.state.rawValue).",
                    nextStep: NextStep.versions(config.name))
            }
        }
    }
}
