import FoundationEssentials
import Secrets

/// Adds up what a vault's state must say while all of its records are rewritten, and makes the records that come new.
struct Rewriting {
    private let vault: OpenVault
    private var state: VaultState
    private var stateRevision: Int64 = 0
    private var additions: [EngineChange] = []

    /// `state` gives all but the hash.
    init(to vault: OpenVault, state: VaultState) {
        self.vault = vault
        self.state = state
        self.state.records = RecordSetHash()
    }

    /// The record stays, with this content.
    mutating func keeping(_ content: EngineChange.Content, of record: EngineRecord) -> EngineChange.Content {
        state.records.add(vault.digest(of: EngineRecord(key: record.key, revision: content.revision, value: content.value)))
        return content
    }

    /// It holds another value from now on.
    mutating func replacing(_ record: EngineRecord, by value: Data) -> EngineChange.Content {
        let revision = record.revision + 1
        return keeping(.init(revision: revision, value: vault.seal(value, at: record.key, revision: revision)), of: record)
    }

    /// The same for what is not sealed.
    mutating func plain(_ record: EngineRecord, _ value: some Encodable) -> EngineChange.Content {
        keeping(.init(revision: record.revision + 1, value: Array(RecordJSON.encode(value))), of: record)
    }

    /// A slot's record with the root key wrapped anew.
    func slot(_ record: EngineRecord, of entries: [SlotEntry], vaultKey: borrowing BoxKeyPair) throws(VaultError) -> Slot {
        guard let entry = entries.first(where: { Slot.key($0.id) == record.key }) else { throw .damaged(kind: "slot") }
        return try Slot(entry, rootKey: vault.rootKey, vaultKey: vaultKey, random: vault.random)
    }

    /// The state's own record: `finish` makes the next of it.
    mutating func passing(state record: EngineRecord) -> EngineChange.Content {
        stateRevision = record.revision
        return .init(revision: record.revision, value: record.value)
    }

    mutating func add<Value: Encodable>(_ kind: RecordKind<Value>, _ key: RecordKey, _ value: Value) {
        let key = vault.engineKey(kind, key)
        add(key, vault.seal(RecordJSON.encode(value), at: key, revision: 1))
    }

    mutating func add(_ kind: RecordKind<Secret>, _ key: RecordKey, _ value: borrowing Secret) {
        let key = vault.engineKey(kind, key)
        add(key, vault.seal(value, at: key, revision: 1))
    }

    mutating func add(_ entry: AuditEntry) {
        add(.audit, .sequence(entry.seq), entry)
        state.audit = .extending(state.audit, by: entry)
    }

    private mutating func add(_ key: [UInt8], _ value: [UInt8]) {
        state.records.add(vault.digest(of: EngineRecord(key: key, revision: 1, value: value)))
        additions.append(EngineChange(key: key, expecting: 0, becomes: .init(revision: 1, value: value)))
    }

    /// What comes new, and the state that fits all of it.
    mutating func finish() -> [EngineChange] {
        state.counter += 1
        return additions + [vault.change(of: state, expecting: stateRevision)]
    }
}
