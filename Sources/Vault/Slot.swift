package import FoundationEssentials
package import Model
package import Secrets

/// One way to unwrap the root key, as the vault remembers it: sealed in its list of slots, so that a new root key is wrapped for nobody
/// who only wrote into the file.
package struct SlotEntry: Sendable, Equatable, Codable {
    package let id: String
    package let kind: Kind
    /// What the operator calls it.
    package let name: String?
    package let createdAt: Timestamp
    /// X25519; the root key is boxed to it.
    package let publicKey: Data
    /// Of a passphrase: 16 bytes.
    package let salt: Data?
    /// A MAC, by a key that only the slot's owner can derive, of the vault's key: a vault that somebody else made opens with no slot of theirs.
    /// A recipient has none, since its secret was not there.
    package let attestation: Data?

    package enum Kind: String, Sendable, Codable, CaseIterable {
        /// 32 bytes from a credential or a key file.
        case credential
        /// Argon2id.
        case passphrase
        /// Another X25519 key, for recovery.
        case recipient
    }

    package init(
        id: String, kind: Kind, name: String?, at time: Timestamp, publicKey: BoxPublicKey, salt: [UInt8]? = nil,
        attestation: [UInt8]? = nil
    ) {
        self.id = id
        self.kind = kind
        self.name = name
        createdAt = time
        self.publicKey = Data(publicKey.bytes)
        self.salt = salt.map { Data($0) }
        self.attestation = attestation.map { Data($0) }
    }

    /// A way in that only the public key is known of.
    package static func recipient(_ publicKey: BoxPublicKey, name: String?, at time: Timestamp, random: any RandomSource) -> SlotEntry {
        SlotEntry(id: newID(random), kind: .recipient, name: name, at: time, publicKey: publicKey)
    }

    /// A way in by what the caller holds.
    package static func owned(
        _ kind: Kind, by secret: borrowing SlotSecret, salt: [UInt8]? = nil, name: String?, vaultKey: BoxPublicKey, at time: Timestamp,
        random: any RandomSource
    ) -> SlotEntry {
        SlotEntry(
            id: newID(random), kind: kind, name: name, at: time, publicKey: secret.pair.publicKey, salt: salt,
            attestation: secret.attestation(of: vaultKey))
    }

    package static func newID(_ random: any RandomSource) -> String { Hex.text(random.bytes(idCharacters / 2)) }

    package static let idCharacters = 16
}

/// The sealed list of all slots.
struct SlotList: Sendable, Codable {
    var slots: [SlotEntry]
}

/// A slot with the root key in it. Stored unsealed, since it is read before there is a key.
package struct Slot: Sendable, Equatable, Codable {
    package let entry: SlotEntry
    /// The vault's own public key, by which the root key was boxed.
    package let vaultKey: Data
    /// The root key: an authenticated box.
    package let wrapped: Data

    init(_ entry: SlotEntry, rootKey: borrowing Secret, vaultKey: borrowing BoxKeyPair, random: any RandomSource) throws(VaultError) {
        guard let publicKey = BoxPublicKey(bytes: Array(entry.publicKey)) else { throw .damaged(kind: RecordKind.slotList.name) }
        self.entry = entry
        self.vaultKey = Data(vaultKey.publicKey.bytes)
        wrapped = Data(vaultKey.seal(rootKey, to: publicKey, random: random))
    }

    /// As the command line gets it, to open it with what never leaves there.
    package init(entry: SlotEntry, vaultKey: Data, wrapped: Data) {
        self.entry = entry
        self.vaultKey = vaultKey
        self.wrapped = wrapped
    }

    /// `nil` when it is not for this secret, or was not made by the vault that the secret's owner knows.
    package func rootKey(by secret: borrowing SlotSecret) -> Secret? {
        guard let sender = BoxPublicKey(bytes: Array(vaultKey)), entry.publicKey == Data(secret.pair.publicKey.bytes) else { return nil }
        let isAttested = ConstantTime.equal(entry.attestation.map { Array($0) } ?? [], secret.attestation(of: sender))
        guard entry.kind == .recipient || isAttested else { return nil }
        guard let rootKey = try? secret.pair.open(Array(wrapped), from: sender), rootKey.count == Cipher.keyBytes else { return nil }
        return rootKey
    }

    /// What the key of a slot's kind makes of the bytes in a key file; `nil` for a passphrase.
    package func secret(keyFile: borrowing Secret) -> SlotSecret? {
        switch entry.kind {
        case .credential: SlotSecret(unlockKey: keyFile)
        // A recovery key is 32 bytes too, and is given in the same place.
        case .recipient: SlotSecret(recoveryKey: keyFile)
        case .passphrase: nil
        }
    }
}

/// What the owner of a slot derives from a key or a passphrase.
package struct SlotSecret: ~Copyable, Sendable {
    package let pair: BoxKeyPair
    private let attestationKey: Secret

    /// From the 32 bytes of a credential or a key file.
    package init(unlockKey: borrowing Secret) {
        pair = BoxKeyPair(secretKey: unlockKey.derived(context: "slotpair"))
        attestationKey = unlockKey.derived(context: "slotvows")
    }

    /// Slow, on purpose. `nil` when there is no memory for it.
    package init?(passphrase: borrowing Secret, salt: [UInt8]) {
        guard let key = PassphraseHash.key(from: passphrase, salt: salt) else { return nil }
        self.init(unlockKey: key)
    }

    /// The secret half of a recipient.
    package init(recoveryKey: borrowing Secret) {
        pair = BoxKeyPair(secretKey: recoveryKey.clone())
        attestationKey = recoveryKey.derived(context: "slotvows")
    }

    package func attestation(of vaultKey: BoxPublicKey) -> [UInt8] {
        attestationKey.withBytes { Blake2b.hash(Array("keyturn vault ".utf8) + vaultKey.bytes, key: $0, count: 32) }
    }
}

extension RecordKind where Value == SlotList {
    static let slotList = RecordKind(tag: RecordTag.slotList, name: "slot list")
}

extension RecordKind where Value == Secret {
    /// The secret half of the key by which root keys are boxed.
    static let vaultKey = RecordKind(tag: RecordTag.vaultKey, name: "vault key")
}

extension RecordReader {
    /// All ways in, as the vault itself remembers them.
    package func slots() throws(VaultError) -> [SlotEntry] {
        guard let list = try get(.slotList, .only), !list.slots.isEmpty else { throw .damaged(kind: RecordKind.slotList.name) }
        return list.slots
    }

    /// The same with the root key in them, as they stand in the file.
    package func wrappedSlots() throws(VaultError) -> [Slot] {
        try OpenVault.plainSlots(in: vault.engine, as: Slot.self)
    }

    func vaultKeyPair() throws(VaultError) -> BoxKeyPair {
        guard let secretKey = try get(.vaultKey, .only), secretKey.count == BoxPublicKey.byteCount else {
            throw .damaged(kind: RecordKind.vaultKey.name)
        }
        return BoxKeyPair(secretKey: secretKey)
    }

    /// What attestations are about.
    package func vaultPublicKey() throws(VaultError) -> BoxPublicKey { try vaultKeyPair().publicKey }
}

extension Transaction {
    /// Wraps the root key for one more.
    package mutating func addSlot(_ entry: SlotEntry) throws(VaultError) {
        let slots = try get(.slotList, .only)?.slots ?? []
        try put(.slotList, .only, SlotList(slots: slots + [entry]))
        let slot = try Slot(entry, rootKey: vault.rootKey, vaultKey: vaultKeyPair(), random: vault.random)
        try putPlain(Slot.key(entry.id), slot)
    }
}

extension Slot {
    static func key(_ id: String) -> [UInt8] { [RecordTag.slot] + id.utf8 }
}
