package import FoundationEssentials
package import Model
package import Secrets

/// One way to unwrap the root key. Stored unsealed, since it is read before there is a key.
package struct Slot: Sendable, Equatable, Codable {
    package let id: String
    package let kind: Kind
    package let createdAt: Timestamp
    /// The root key, wrapped.
    let wrapped: Data
    /// For a recipient: the public key that it was sealed to.
    package let recipient: Data?

    package enum Kind: String, Sendable, Codable {
        /// 32 bytes from a credential or a key file.
        case credential
        /// A sealed box to another X25519 key, for recovery.
        case recipient
    }

    package static func credential(
        rootKey: borrowing Secret, unlockKey: borrowing Secret, at time: Timestamp, random: any RandomSource
    ) -> Slot {
        let id = Hex.text(random.bytes(8))
        let wrapped = unlockKey.derived(context: "slot____").withBytes { key in
            rootKey.withBytes { Cipher.seal($0, associated: place(id), key: key, random: random) }
        }
        return Slot(id: id, kind: .credential, createdAt: time, wrapped: Data(wrapped), recipient: nil)
    }

    package static func recipient(
        rootKey: borrowing Secret, publicKey: BoxPublicKey, at time: Timestamp, random: any RandomSource
    ) -> Slot {
        let wrapped = rootKey.withBytes { publicKey.seal($0) }
        return Slot(
            id: Hex.text(random.bytes(8)), kind: .recipient, createdAt: time, wrapped: Data(wrapped), recipient: Data(publicKey.bytes))
    }

    /// `nil` when it is not for this key.
    package func rootKey(unlockKey: borrowing Secret) -> Secret? {
        guard kind == .credential else { return nil }
        return unlockKey.derived(context: "slot____").withBytes { key in
            try? Cipher.openSecret(Array(wrapped), associated: Self.place(id), key: key)
        }
    }

    /// `nil` when it is not for this key.
    package func rootKey(recoveryKey: borrowing BoxKeyPair) -> Secret? {
        guard kind == .recipient else { return nil }
        return try? recoveryKey.open(Array(wrapped))
    }

    private static func place(_ id: String) -> [UInt8] {
        Array("keyturn slot \(id)".utf8)
    }
}

/// What a vault says of itself to who has no key yet.
struct VaultHeader: Codable, Sendable {
    let format: Int
    let createdAt: Timestamp
    /// The machine id of the host that made it.
    let owner: String?
}
