/// The transactions that one commit makes durable together: concurrent writers share the disk's one expensive act.
struct Batch {
    /// A record as a transaction leaves it; `nil` content deletes.
    struct Write {
        let content: EngineChange.Content?
        /// What was sealed, unless it is a secret.
        let value: (any Sendable)?
    }

    /// What the batch has read and written so far. A reference, so that adding to it does not copy it.
    final class Overlay {
        fileprivate(set) var writes: [[UInt8]: Write] = [:]
        fileprivate(set) var erases = false
        /// As the engine has them. Nobody else writes while the batch is put together.
        private var read: [[UInt8]: EngineRecord?] = [:]

        func engineRecord(_ key: [UInt8], in vault: OpenVault) throws(VaultError) -> EngineRecord? {
            if let known = read[key] { return known }
            let record: EngineRecord?
            do { record = try vault.engine.get(key) } catch { throw VaultError(error) }
            read[key] = .some(record)
            return record
        }
    }

    private let vault: OpenVault
    /// Of a vault that is being made.
    private let firstState: VaultState?
    private let overlay = Overlay()
    private(set) var entries: [AuditEntry] = []
    private(set) var last: AuditMark

    init(vault: OpenVault, after last: AuditMark, firstState: VaultState? = nil) {
        self.vault = vault
        self.firstState = firstState
        self.last = last
    }

    func transaction() -> Transaction {
        Transaction(vault: vault, after: overlay)
    }

    mutating func add(_ transaction: Transaction, _ event: AuditEvent) throws(VaultError) {
        var transaction = transaction
        let entry = vault.entry(event, after: last)
        try transaction.put(.audit, .sequence(entry.seq), entry)
        last = entry.mark
        entries.append(entry)
        overlay.writes.merge(transaction.writes) { _, new in new }
        if transaction.erases { overlay.erases = true }
    }

    /// Whether something of it was to be erased, and not only deleted.
    var erases: Bool { overlay.erases }

    var endsQuarantine: Bool { entries.contains { $0.event.event == "vault.released" } }

    /// Returns the vault's counter after it.
    @discardableResult
    func commit() throws(VaultError) -> Int64 {
        var state = if let firstState { firstState } else { try transaction().vaultState() }
        var changes: [EngineChange] = []
        for (key, write) in overlay.writes where key != OpenVault.stateKey {
            let present = try overlay.engineRecord(key, in: vault)
            if write.content == nil, present == nil { continue }  // made and deleted within the batch
            if let present { state.records.remove(vault.digest(of: present)) }
            if let content = write.content {
                state.records.add(vault.digest(of: EngineRecord(key: key, revision: content.revision, value: content.value)))
            }
            changes.append(EngineChange(key: key, expecting: present?.revision ?? 0, becomes: write.content))
        }
        guard !changes.isEmpty else { return state.counter }
        state.counter += 1
        for entry in entries { state.audit = .extending(state.audit, by: entry) }
        let before = try overlay.engineRecord(OpenVault.stateKey, in: vault)?.revision ?? 0
        changes.append(vault.change(of: state, expecting: before))
        // Revisions begin anew after a deletion: what was known of the same number must not be taken for it.
        for change in changes { vault.decoded.forget(change.key) }
        do { try vault.engine.commit(changes) } catch { throw VaultError(error) }
        for (key, write) in overlay.writes where key != OpenVault.stateKey {
            guard let content = write.content, let value = write.value else { continue }
            vault.decoded.remember(value, of: key, revision: content.revision)
        }
        vault.decoded.remember(state, of: OpenVault.stateKey, revision: before + 1)
        return state.counter
    }
}

extension OpenVault {
    /// The next revision of the vault's state.
    func change(of state: VaultState, expecting revision: Int64) -> EngineChange {
        let sealed = seal(RecordJSON.encode(state), at: Self.stateKey, revision: revision + 1)
        return EngineChange(key: Self.stateKey, expecting: revision, becomes: .init(revision: revision + 1, value: sealed))
    }
}
