import FoundationEssentials
import Glibc
import KeyturnClient
import KeyturnWire
import Model
import Secrets
import Vault

/// Unwraps the root key with what only this process gets to see, and seals it for the daemon. `nil`: it is unsealed already.
extension Context {
    func passphraseBox(stdin: Bool) async throws -> SealedValue? {
        let slots = try await sealedSlots()
        guard slots.contains(where: { $0.entry.kind == .passphrase }) else {
            throw Failure.failed("No passphrase opens this vault: it has no such slot.", nextStep: "keyturn unseal")
        }
        let passphrase = try Passphrase.existing(stdin: stdin)
        for slot in slots {
            guard slot.entry.kind == .passphrase, let salt = slot.entry.salt, salt.count == PassphraseHash.saltBytes else { continue }
            let secret = try Passphrase.slotSecret(passphrase, salt: Array(salt))
            if let rootKey = slot.rootKey(by: secret) { return try await box(rootKey) }
        }
        throw Failure.failed("The passphrase does not open this vault.", nextStep: "keyturn unseal --passphrase")
    }

    func recoveryBox(file: String) async throws -> SealedValue? {
        let key: Secret
        do throws(VaultError) { key = try KeyFile.read(file, systemdCredential: false) } catch {
            throw Failure.vault(error)
        }
        for slot in try await sealedSlots() {
            if let secret = slot.secret(keyFile: key), let rootKey = slot.rootKey(by: secret) { return try await box(rootKey) }
        }
        throw Failure.failed("The key in '\(file)' does not open this vault.", nextStep: "keyturn slot list")
    }

    /// Whether it is sealed and no key file can open it. Throws where nobody is there to ask, or no passphrase opens it either.
    func opensWithPassphraseOnly(_ step: String) async throws -> Bool {
        guard let slots = try? await sealedSlots(), !slots.contains(where: { $0.entry.kind == .credential }),
            try await daemon.intakeKey().body.purposes.contains(Envelope.Purpose.unseal.rawValue)
        else { return false }
        guard slots.contains(where: { $0.entry.kind == .passphrase }) else {
            let error = VaultError.awaitsRecoveryKey
            throw Failure.sealed(because: error.explanation, nextStep: error.nextStep)
        }
        if SecretSource.isTerminal(STDIN_FILENO) { return true }
        throw Failure.sealed(because: VaultError.awaitsPassphrase.explanation, nextStep: step)
    }

    /// The daemon found no key file that opens it: where a passphrase does, that is what to try next.
    func insteadOfKeyFile(_ error: ClientError, _ step: String) async -> any Error {
        guard case .problem(let problem) = error, problem.code == "sealed", let slots = try? await sealedSlots(),
            slots.contains(where: { $0.entry.kind == .passphrase })
        else { return error }
        return Failure.sealed(because: problem.detail, nextStep: step)
    }

    private func sealedSlots() async throws -> [Vault.Slot] {
        try await daemon.slots().body.items.map { try Vault.Slot($0) }
    }

    private func box(_ rootKey: consuming Secret) async throws -> SealedValue? {
        let root = RootKey(secret: rootKey)
        let offered = try await daemon.intakeKey().body
        guard offered.purposes.contains(Envelope.Purpose.unseal.rawValue) else { return nil }
        let key = try BoxPublicKey(base64: offered.key, .intake, of: "the daemon's intake key")
        return try Envelope(purpose: .unseal, target: RootKey.target).seal(root, to: key)
    }
}

extension Vault.Slot {
    init(_ slot: KeyturnWire.Slot) throws {
        guard let kind = SlotEntry.Kind(rawValue: slot.kind), let createdAt = try? Timestamp(slot.createdAt),
            let key = Data(base64Encoded: slot.publicKey).flatMap({ BoxPublicKey(bytes: Array($0)) }),
            let vaultKey = Data(base64Encoded: slot.vaultKey), let wrapped = Data(base64Encoded: slot.wrapped)
        else { throw ClientError.garbage("a slot of the vault is not one") }
        self.init(
            entry: SlotEntry(
                id: slot.id, kind: kind, name: slot.name, at: createdAt, publicKey: key,
                salt: slot.salt.flatMap { Data(base64Encoded: $0) }.map { Array($0) },
                attestation: slot.attestation.flatMap { Data(base64Encoded: $0) }.map { Array($0) }),
            vaultKey: vaultKey, wrapped: wrapped)
    }
}
