import Model
import Rotations
package import Secrets
import Vault

/// The key to which secrets are sealed, and what for.
package struct OfferedKey: Sendable {
    package let key: BoxPublicKey
    package let purposes: [String]
}

extension VaultService {
    /// So old a key is no longer offered.
    private static let intakeKeyAge = Duration.seconds(365 * 86_400)

    /// While the vault is sealed, one that is good for unsealing it, once.
    package func intakeKey() async throws -> OfferedKey {
        guard await vault.sealedBecause == nil else {
            return OfferedKey(key: sealedIntake.offer(random: random), purposes: [SealedEnvelope.Purpose.unseal.rawValue])
        }
        let offered = try await read { try $0.intakeKeys().onOffer }
        guard let key = BoxPublicKey(bytes: offered.publicBytes) else { throw VaultError.damaged(kind: "intake key list").problem }
        return OfferedKey(key: key, purposes: [SealedEnvelope.Purpose.stage, .upstreamToken].map(\.rawValue))
    }

    /// Puts a new intake key on offer where the one that is has become old, and erases those that open nothing any more.
    package func renewIntakeKey() async throws {
        let now = clock.now()
        let keys = try await read { try $0.intakeKeys() }
        guard now - keys.onOffer.createdAt >= Self.intakeKeyAge || !keys.expired(at: now).isEmpty else { return }
        let random = random
        try await write { transaction in
            if now - (try transaction.intakeKeys().onOffer.createdAt) >= Self.intakeKeyAge {
                try transaction.addIntakeKey(BoxKeyPair(random: random), at: now)
                return .changed((), AuditEvent(at: now, "intake-key.renewed", by: nil))
            }
            guard !(try transaction.intakeKeys().expired(at: now).isEmpty) else { return .unchanged(()) }
            try transaction.eraseExpiredIntakeKeys(at: now)
            return .changed((), AuditEvent(at: now, "intake-key.erased", by: nil))
        }
    }
}
