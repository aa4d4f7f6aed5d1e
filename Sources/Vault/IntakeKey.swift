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

    /// So long a key opens boxes after another one took its place.
    private static let openingOn = Duration.seconds(30 * 86_400)

    /// Whether boxes to it are still opened: it is on offer, or was not long ago.
    func opens(_ id: String, at now: Timestamp) -> Bool {
        guard let index = keys.firstIndex(where: { $0.id == id }) else { return false }
        return index == keys.count - 1 || now < keys[index + 1].createdAt + Self.openingOn
    }

    /// With a new key on offer, and the ids of those that open nothing any more and are not in it.
    func offering(_ key: BoxPublicKey, at now: Timestamp) -> (list: IntakeKeyList, expired: [String]) {
        IntakeKeyList(keys: keys + [Key(id: key.id, publicBytes: key.bytes, createdAt: now)]).withoutExpired(at: now)
    }

    fileprivate func withoutExpired(at now: Timestamp) -> (list: IntakeKeyList, expired: [String]) {
        (IntakeKeyList(keys: keys.filter { opens($0.id, at: now) }), expired(at: now))
    }

    /// Those that open nothing any more.
    package func expired(at now: Timestamp) -> [String] { keys.map(\.id).filter { !opens($0, at: now) } }
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
    package func intakeKeyPair(id: String, at now: Timestamp) throws(VaultError) -> BoxKeyPair? {
        guard try intakeKeys().opens(id, at: now), let secretKey = try get(.intakeSecret, .named(id)) else { return nil }
        guard secretKey.count == BoxPublicKey.byteCount else { throw .damaged(kind: "intake key") }
        return BoxKeyPair(secretKey: secretKey)
    }
}

extension Transaction {
    /// Puts a new key on offer. The one before opens boxes for a while yet; those that open none any more are erased.
    package mutating func addIntakeKey(_ pair: borrowing BoxKeyPair, at time: Timestamp) throws(VaultError) {
        let earlier = try get(.intakeList, .named("")) ?? IntakeKeyList(keys: [])
        let (list, expired) = earlier.offering(pair.publicKey, at: time)
        try put(.intakeList, .named(""), list)
        try put(.intakeSecret, .named(pair.publicKey.id), pair.secretKey)
        for id in expired { try erase(.intakeSecret, .named(id)) }
    }

    package mutating func eraseExpiredIntakeKeys(at time: Timestamp) throws(VaultError) {
        let (list, expired) = try intakeKeys().withoutExpired(at: time)
        try put(.intakeList, .named(""), list)
        for id in expired { try erase(.intakeSecret, .named(id)) }
    }
}
