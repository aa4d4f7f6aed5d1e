import FoundationEssentials
package import Model
package import Secrets

extension OpenVault {
    /// Writes the first records of a new vault into an empty engine, all at once: header, slots, keys, state, and an audit entry.
    /// `slots` makes the ways in, attested for the new vault's key.
    package static func create(
        in engine: any Engine, owner: String?, at time: Timestamp, random: any RandomSource,
        slots: (_ vaultKey: BoxPublicKey) throws(VaultError) -> [SlotEntry]
    ) throws(VaultError) {
        let vault = OpenVault(
            engine: engine, rootKey: Secret(random: Cipher.keyBytes, from: random), indexKey: Secret(random: 32, from: random),
            random: random)
        let vaultKey = BoxKeyPair(random: random)
        var batch = Batch(vault: vault, after: .beginning, firstState: .first(owner: owner))
        var transaction = batch.transaction()
        try transaction.putPlain(VaultHeader.key, VaultHeader(format: format, createdAt: time))
        try transaction.put(.indexKey, .only, vault.indexKey)
        try transaction.put(.vaultKey, .only, vaultKey.secretKey)
        for slot in try slots(vaultKey.publicKey) { try transaction.addSlot(slot) }
        try transaction.addIntakeKey(BoxKeyPair(random: random), at: time)
        try batch.add(transaction, AuditEvent(at: time, "vault.created", by: nil))
        try batch.commit()
    }

    /// With a key file's slot, and one for recovery.
    package static func create(
        in engine: any Engine, unlockKey: borrowing Secret, recovery: BoxPublicKey?, owner: String?, at time: Timestamp,
        random: any RandomSource
    ) throws(VaultError) {
        let secret = SlotSecret(unlockKey: unlockKey)
        try create(in: engine, owner: owner, at: time, random: random) { (vaultKey) throws(VaultError) in
            [SlotEntry.owned(.credential, by: secret, name: nil, vaultKey: vaultKey, at: time, random: random)]
                + (recovery.map { [SlotEntry.recipient($0, name: nil, at: time, random: random)] } ?? [])
        }
    }

    /// Opens it with the key of a credential's slot, or of a recipient's. One of an earlier format is brought to this one, in one commit and
    /// after a copy was made.
    package static func open(
        _ engine: any Engine, unlockKey: borrowing Secret, at time: Timestamp, random: any RandomSource
    ) throws(VaultError) -> OpenVault {
        if try header(in: engine).format == Format1.number {
            return try Format1(in: engine).migrated(unlockKey: unlockKey, at: time, random: random)
        }
        for slot in try slots(in: engine) {
            if let secret = slot.secret(keyFile: unlockKey), let rootKey = slot.rootKey(by: secret) {
                return try OpenVault(engine: engine, rootKey: rootKey, random: random)
            }
        }
        throw .wrongKey
    }

    /// Opens it with the root key, which somebody unwrapped elsewhere.
    package static func open(_ engine: any Engine, rootKey: consuming Secret, random: any RandomSource) throws(VaultError) -> OpenVault {
        _ = try slots(in: engine)
        guard rootKey.count == Cipher.keyBytes else { throw .wrongKey }
        do { return try OpenVault(engine: engine, rootKey: rootKey, random: random) } catch {
            // Another root key opens no record, and the index key is the first that it is tried on.
            if case .damaged(RecordKind.indexKey.name) = error { throw .wrongKey }
            throw error
        }
    }

    /// As they stand in the file, unchecked; needs no key.
    package static func slots(in engine: any Engine) throws(VaultError) -> [Slot] {
        guard try header(in: engine).format == format else {
            throw .noKey(
                "a vault of format 1 is brought to format \(format) by the key file that it was made with, or by a recovery key in its place"
            )
        }
        return try plainSlots(in: engine, as: Slot.self)
    }

    /// Checks the format on the way: nothing of a newer vault is touched.
    private static func header(in engine: any Engine) throws(VaultError) -> VaultHeader {
        let record: EngineRecord?
        do { record = try engine.get(VaultHeader.key) } catch { throw VaultError(error) }
        guard let record, let header = try? RecordJSON.decode(VaultHeader.self, from: Data(record.value)) else {
            throw .damaged(kind: "header")
        }
        guard header.format <= format else { throw .newer(format: header.format) }
        guard header.format >= Format1.number else { throw .damaged(kind: "header") }
        return header
    }

    static func plainSlots<PlainSlot: Decodable>(in engine: any Engine, as type: PlainSlot.Type) throws(VaultError) -> [PlainSlot] {
        let records: [EngineRecord]
        do { records = try engine.range([RecordTag.slot], after: nil, order: .ascending, limit: slotsMax) } catch {
            throw VaultError(error)
        }
        let slots = records.compactMap { try? RecordJSON.decode(PlainSlot.self, from: Data($0.value)) }
        guard !slots.isEmpty, slots.count == records.count else { throw .damaged(kind: "slot") }
        return slots
    }

    /// More ways in than anybody keeps track of.
    package static let slotsMax = 64
}
