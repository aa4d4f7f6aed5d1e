import FoundationEssentials
package import Model
package import Secrets

extension OpenVault {
    /// Writes the first records of a new vault into an empty engine, all at once: header, slots, intake key, and an audit entry.
    package static func create(
        in engine: any Engine, unlockKey: borrowing Secret, recovery: BoxPublicKey?, owner: String?, at time: Timestamp,
        random: any RandomSource
    ) throws(VaultError) {
        let rootKey = Secret(random: Cipher.keyBytes, from: random)
        var slots = [Slot.credential(rootKey: rootKey, unlockKey: unlockKey, at: time, random: random)]
        if let recovery { slots.append(Slot.recipient(rootKey: rootKey, publicKey: recovery, at: time, random: random)) }
        var changes = [plain(headerKey, VaultHeader(format: format, createdAt: time, owner: owner))]
        for slot in slots { changes.append(plain([RecordTag.slot] + slot.id.utf8, slot)) }
        do { try engine.commit(changes) } catch { throw VaultError(error) }
        let vault = OpenVault(engine: engine, rootKey: rootKey, random: random)
        var batch = Batch(vault: vault, nextSeq: 1)
        var transaction = batch.transaction()
        try transaction.addIntakeKey(BoxKeyPair(random: random), at: time)
        try batch.add(transaction, AuditEvent(at: time, "vault.created", by: nil))
        try batch.commit()
    }

    package static func open(_ engine: any Engine, unlockKey: borrowing Secret, random: any RandomSource) throws(VaultError) -> OpenVault {
        let slots = try slots(in: engine)
        for slot in slots {
            // A recovery key is 32 bytes too, and is given in the same place.
            guard let rootKey = slot.rootKey(unlockKey: unlockKey) ?? slot.rootKey(recoveryKey: BoxKeyPair(secretKey: unlockKey.clone())),
                rootKey.count == Cipher.keyBytes
            else { continue }
            return OpenVault(engine: engine, rootKey: rootKey, random: random)
        }
        throw .wrongKey
    }

    /// Checks the format on the way: nothing of a newer vault is touched.
    package static func slots(in engine: any Engine) throws(VaultError) -> [Slot] {
        do {
            guard let record = try engine.get(headerKey) else { throw VaultError.damaged(kind: "header") }
            guard let header = try? RecordJSON.decode(VaultHeader.self, from: Data(record.value)) else {
                throw VaultError.damaged(kind: "header")
            }
            guard header.format <= format else { throw VaultError.newer(format: header.format) }
            var slots: [Slot] = []
            for record in try engine.range([RecordTag.slot], after: nil, order: .ascending, limit: slotsMax) {
                guard let slot = try? RecordJSON.decode(Slot.self, from: Data(record.value)) else { throw VaultError.damaged(kind: "slot") }
                slots.append(slot)
            }
            guard !slots.isEmpty else { throw VaultError.damaged(kind: "slot") }
            return slots
        } catch let error as EngineError {
            throw VaultError(error)
        } catch let error as VaultError {
            throw error
        } catch {
            throw .failed("\(error)")
        }
    }

    /// More ways in than anybody keeps track of.
    private static let slotsMax = 64
    private static let headerKey = [RecordTag.header]

    private static func plain(_ key: [UInt8], _ value: some Encodable) -> EngineChange {
        EngineChange(key: key, expecting: 0, becomes: .init(revision: 1, value: Array(RecordJSON.encode(value))))
    }
}
