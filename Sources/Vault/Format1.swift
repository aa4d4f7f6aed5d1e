import FoundationEssentials
import Model
import Secrets

/// The first format: no state, no list of slots, an index key that came from the root key. Read only to be brought to today's.
struct Format1 {
    static let number = 1
    /// Of the copy that is made before it is left behind.
    private static let copyName = "format-1"

    private let engine: any Engine
    private let slots: [OldSlot]
    private let owner: String?

    private struct Header: Decodable {
        let owner: String?
    }

    private struct OldSlot: Decodable {
        let id: String
        let kind: SlotEntry.Kind
        let createdAt: Timestamp
        let wrapped: Data
        let recipient: Data?

        func rootKey(unlockKey: borrowing Secret) -> Secret? {
            guard kind == .credential else { return nil }
            return unlockKey.derived(context: "slot____").withBytes { key in
                try? Cipher.openSecret(Array(wrapped), associated: Array("keyturn slot \(id)".utf8), key: key)
            }
        }

        func rootKey(recoveryKey: borrowing Secret) -> Secret? {
            kind == .recipient ? try? BoxKeyPair(secretKey: recoveryKey.clone()).open(Array(wrapped)) : nil
        }

        /// `nil` for a key file's slot that `unlocking` is not for: without its key it can't be made anew.
        func entry(_ unlocking: borrowing Secret, vaultKey: BoxPublicKey) throws(VaultError) -> SlotEntry? {
            switch kind {
            case .credential:
                guard rootKey(unlockKey: unlocking) != nil else { return nil }
                let unlocking = SlotSecret(unlockKey: unlocking)
                return SlotEntry(
                    id: id, kind: kind, name: nil, at: createdAt, publicKey: unlocking.pair.publicKey,
                    attestation: unlocking.attestation(of: vaultKey))
            case .recipient, .passphrase:
                guard let key = recipient.flatMap({ BoxPublicKey(bytes: Array($0)) }) else { throw .damaged(kind: "slot") }
                return SlotEntry(id: id, kind: .recipient, name: nil, at: createdAt, publicKey: key)
            }
        }
    }

    init(in engine: any Engine) throws(VaultError) {
        self.engine = engine
        slots = try OpenVault.plainSlots(in: engine, as: OldSlot.self)
        let header: EngineRecord?
        do { header = try engine.get(VaultHeader.key) } catch { throw VaultError(error) }
        owner = header.flatMap { try? RecordJSON.decode(Header.self, from: Data($0.value)) }?.owner
    }

    /// By the key file that it was made with, or by a recovery key in its place, after which it opens with recovery keys alone.
    /// Copies it, then changes all of it in one commit: a crash leaves one format or the other, whole.
    func migrated(unlockKey: borrowing Secret, at time: Timestamp, random: any RandomSource) throws(VaultError) -> OpenVault {
        guard let rootKey = rootKey(unlockKey) else { throw .wrongKey }
        let indexKey = rootKey.derived(context: "index___")
        let old = OpenVault(engine: engine, rootKey: rootKey.clone(), indexKey: indexKey.clone(), format: Self.number, random: random)
        let new = OpenVault(engine: engine, rootKey: rootKey, indexKey: indexKey, random: random)
        do { try engine.keepCopy(named: Self.copyName) } catch { throw VaultError(error) }
        try rewrite(from: old, to: new, unlocking: unlockKey, at: time)
        return new
    }

    private func rootKey(_ unlockKey: borrowing Secret) -> Secret? {
        for slot in slots {
            if let key = slot.rootKey(unlockKey: unlockKey), key.count == Cipher.keyBytes { return key }
            if let key = slot.rootKey(recoveryKey: unlockKey), key.count == Cipher.keyBytes { return key }
        }
        return nil
    }

    private func rewrite(from old: OpenVault, to new: OpenVault, unlocking: borrowing Secret, at time: Timestamp) throws(VaultError) {
        let vaultKey = BoxKeyPair(random: new.random)
        var entries: [SlotEntry] = []
        for slot in slots { if let entry = try slot.entry(unlocking, vaultKey: vaultKey.publicKey) { entries.append(entry) } }
        let last = try old.lastAuditMark()
        var whole = Rewriting(to: new, state: .first(owner: owner))
        try engine.rewrite { (record) throws(VaultError) in
            switch record.key.first {
            case RecordTag.header:
                whole.plain(record, VaultHeader(format: OpenVault.format, createdAt: try Self.createdAt(record)))
            case RecordTag.slot:
                entries.contains { Slot.key($0.id) == record.key }
                    ? whole.plain(record, try whole.slot(record, of: entries, vaultKey: vaultKey)) : nil
            case let tag:
                whole.keeping(try old.reseal(record, for: new, kind: tag.flatMap { RecordTag.names[$0] } ?? "unknown"), of: record)
            }
        } last: { () throws(VaultError) in
            whole.add(new.entry(AuditEvent(at: time, "vault.migrated", by: nil, outcome: "format-2"), after: last))
            whole.add(.slotList, .only, SlotList(slots: entries))
            whole.add(.indexKey, .only, new.indexKey)
            whole.add(.vaultKey, .only, vaultKey.secretKey)
            return whole.finish()
        }
    }

    private static func createdAt(_ record: EngineRecord) throws(VaultError) -> Timestamp {
        guard let header = try? RecordJSON.decode(VaultHeader.self, from: Data(record.value)) else { throw .damaged(kind: "header") }
        return header.createdAt
    }
}
