package import Model
package import Secrets

/// The vault's X25519 keys, to which anyone can seal a secret for it. The newest is on offer, older ones still open what was sealed to them.
package struct IntakeKeyList: Sendable, Codable {
    package var keys: [Key]

    package struct Key: Sendable, Codable {
        package let id: String
        package let publicBytes: [UInt8]
        package let createdAt: Timestamp
    }

    package var onOffer: Key { keys[keys.count - 1] }
}

extension RecordKind where Value == IntakeKeyList {
    static let intakeList = RecordKind(tag: RecordTag.intakeList, name: "intake key list")
}

extension RecordKind where Value == Secret {
    static let intakeSecret = RecordKind(tag: RecordTag.intakeSecret, name: "intake key")
}

extension RecordReader {
    package func intakeKeys() throws(VaultError) -> IntakeKeyList {
        guard let list = try get(.intakeList, .named("")), !list.keys.isEmpty else { throw .damaged(kind: "intake key list") }
        return list
    }

    /// The pair of an intake key; `nil` for an id that is not (or no longer) one of this vault's.
    package func intakeKeyPair(id: String) throws(VaultError) -> BoxKeyPair? {
        guard let secretKey = try get(.intakeSecret, .named(id)) else { return nil }
        guard secretKey.count == BoxPublicKey.byteCount else { throw .damaged(kind: "intake key") }
        return BoxKeyPair(secretKey: secretKey)
    }
}

extension Transaction {
    /// Puts a new key on offer.
    mutating func addIntakeKey(_ pair: borrowing BoxKeyPair, at time: Timestamp) throws(VaultError) {
        let key = IntakeKeyList.Key(id: pair.publicKey.id, publicBytes: pair.publicKey.bytes, createdAt: time)
        let earlier = try get(.intakeList, .named(""))?.keys ?? []
        try put(.intakeList, .named(""), IntakeKeyList(keys: earlier + [key]))
        try put(.intakeSecret, .named(key.id), pair.secretKey)
    }
}
