package import Access
import Model
import Rotations
import Secrets
package import Vault

extension VaultService {
    /// The ways in, with the root key in them as it stands in the file; also while the vault is sealed.
    package func slots(as caller: Caller) async throws -> [Slot] {
        try caller.require(.admin, on: .everything)
        do {
            guard await vault.sealedBecause == nil else { return try source.slots() }
            return try await vault.read { try $0.wrappedSlots() }
        } catch let error as VaultError {
            throw error.problem
        }
    }

    /// For `addSlot`.
    package func newSlotID() -> String { SlotEntry.newID(random) }

    /// Adds a way in. Only what is public comes here: whoever owns it derived the rest elsewhere.
    package func addSlot(_ entry: SlotEntry, as caller: Caller) async throws -> Slot {
        try caller.require(.admin, on: .everything)
        let now = clock.now()
        try await write { transaction in
            let slots = try transaction.slots()
            guard slots.count < OpenVault.slotsMax else {
                throw Problem(.badRequest, "There are \(slots.count) slots already.", nextStep: "keyturn slot list")
            }
            if let same = slots.first(where: { $0.publicKey == entry.publicKey }) {
                throw Problem(.badRequest, "This key opens the vault already, by the slot \(same.id).", nextStep: "keyturn slot list")
            }
            try transaction.addSlot(entry)
            return .changed((), AuditEvent(at: now, "slot.added", by: caller.audited, outcome: entry.kind.rawValue, reason: entry.id))
        }
        guard let slot = try await read({ try $0.wrappedSlots() }).first(where: { $0.entry.id == entry.id }) else {
            throw Problem.unknownSlot(entry.id)
        }
        return slot
    }

    /// Removes a way in, and replaces the root key with it: what it once opened stays shut. Returns what is worth a warning.
    package func removeSlot(_ id: String, as caller: Caller) async throws -> [String] {
        try caller.require(.admin, on: .everything)
        let slots = try await read { try $0.slots() }
        guard let slot = slots.first(where: { $0.id == id }) else { throw Problem.unknownSlot(id) }
        guard slots.count > 1 else {
            throw Problem(
                .lastSlot, "The slot \(id) is the only way into the vault: add another one first.",
                nextStep: "keyturn slot add --passphrase")
        }
        let now = clock.now()
        let event = AuditEvent(at: now, "slot.removed", by: caller.audited, outcome: slot.kind.rawValue, reason: id)
        do { try await vault.rekey(Rekeying(at: now, event, removing: id)) } catch { throw error.problem }
        let left = Set(slots.filter { $0.id != id }.map(\.kind))
        return left.contains(.credential)
            ? [] : ["No key file opens the vault any more: after each start of the daemon somebody must unseal it."]
    }

    /// Replaces the root key, and with it all that an old copy of it opens.
    package func rekey(as caller: Caller) async throws -> OfferedKey {
        try caller.require(.admin, on: .everything)
        let now = clock.now()
        let event = AuditEvent(at: now, "vault.rekeyed", by: caller.audited)
        do { try await vault.rekey(Rekeying(at: now, event)) } catch { throw error.problem }
        return try await intakeKey()
    }
}

extension Problem {
    fileprivate static func unknownSlot(_ id: String) -> Problem {
        // What is no id may be a key that was pasted into the wrong place.
        let isID = id.utf8.count == SlotEntry.idCharacters && id.allSatisfy(\.isHexDigit)
        return Problem(.unknownSlot, isID ? "There is no slot '\(id)'." : "There is no such slot.", nextStep: "keyturn slot list")
    }
}
