package import Model
import Secrets

/// Replaces the root key: seals all records anew, wraps the new root key for the slots that stay, and puts a new intake key on offer; all in one
/// commit, so that a crash leaves the vault as it was or as it shall be. Needs as much free room on the disk as the vault has, for a moment,
/// and memory for some hundred records. Names of records stay hashed by the key that they were.
package struct Rekeying: Sendable {
    package let at: Timestamp
    /// What the audit log says of it.
    package let event: AuditEvent
    /// The slot that goes.
    package let removing: String?

    package init(at: Timestamp, _ event: AuditEvent, removing: String? = nil) {
        self.at = at
        self.event = event
        self.removing = removing
    }

    /// Returns the vault as it is then, and its audit entry.
    func rekeyed(_ old: OpenVault, to new: OpenVault, after last: AuditMark, names: [UInt8: String]) throws(VaultError) -> AuditEntry {
        let entry = old.entry(event, after: last)
        let view = VaultView(vault: old)
        let slots = try view.slots().filter { $0.id != removing }
        guard !slots.isEmpty else { throw .failed("no way in would be left") }
        let vaultKey = try view.vaultKeyPair()
        let intakeKey = BoxKeyPair(random: new.random)
        let (intakeKeys, expired) = try view.intakeKeys().offering(intakeKey.publicKey, at: at)
        let replaced = [
            old.engineKey(.slotList, .only): RecordJSON.encode(SlotList(slots: slots)),
            old.engineKey(.intakeList, .named("")): RecordJSON.encode(intakeKeys),
        ]
        var gone = Set(expired.map { old.engineKey(.intakeSecret, .named($0)) })
        if let removing { gone.insert(Slot.key(removing)) }
        var whole = Rewriting(to: new, state: try view.vaultState())
        try old.engine.rewrite { (record) throws(VaultError) in
            if gone.contains(record.key) { return nil }
            if record.key == OpenVault.stateKey { return whole.passing(state: record) }
            if let value = replaced[record.key] { return whole.replacing(record, by: value) }
            switch record.key.first {
            case RecordTag.header: return whole.keeping(.init(revision: record.revision, value: record.value), of: record)
            case RecordTag.slot: return whole.plain(record, try whole.slot(record, of: slots, vaultKey: vaultKey))
            case let tag:
                let kind = tag.flatMap { names[$0] } ?? "unknown"
                return whole.keeping(try old.reseal(record, for: new, kind: kind), of: record)
            }
        } last: { () throws(VaultError) in
            whole.add(entry)
            whole.add(.intakeSecret, .named(intakeKey.publicKey.id), intakeKey.secretKey)
            return whole.finish()
        }
        return entry
    }
}

extension VaultStore {
    /// More failures than this in a row, with nothing committed between, nobody tries; the mirror has room for them.
    private static let perhapsMax = 16

    /// Rotations under way go on unharmed: they hold no key of the vault, and find its records as they were.
    package func rekey(_ rekeying: Rekeying) async throws(VaultError) {
        try await settle()
        guard case .open(var opened) = door else { throw .sealed }
        let old = opened.vault
        let new = old.rekeyed(Secret(random: Cipher.keyBytes, from: old.random))
        // Whichever root key is the vault's after a crash, the mirror is one that it vouches for.
        if let mirror { try CounterMark(opened.counter, by: [old, new] + opened.perhaps).write(to: mirror) }
        do throws(VaultError) {
            let entry = try rekeying.rekeyed(old, to: new, after: opened.last, names: kindNames)
            audience.recorded(entry)
        } catch {
            // A commit that failed may have reached the disk all the same.
            guard (try? VaultView(vault: new).vaultState()) != nil else {
                // If it has, without being seen, a crash brings it to light.
                opened.perhaps = (opened.perhaps + [new]).suffix(Self.perhapsMax)
                door = .open(opened)
                throw error
            }
        }
        opened = Opened(
            vault: new, last: try new.lastAuditMark(), counter: try VaultView(vault: new).vaultState().counter, check: .done)
        door = .open(opened)
        mirrorCounter()
        forgetReplaced()
    }
}
