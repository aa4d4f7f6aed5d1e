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
    private let overlay = Overlay()
    private(set) var entries: [AuditEntry] = []
    private var nextSeq: Int64

    init(vault: OpenVault, nextSeq: Int64) {
        self.vault = vault
        self.nextSeq = nextSeq
    }

    func transaction() -> Transaction {
        Transaction(vault: vault, after: overlay)
    }

    mutating func add(_ transaction: Transaction, _ event: AuditEvent) throws(VaultError) {
        var transaction = transaction
        let entry = AuditEntry(seq: nextSeq, event: event)
        try transaction.put(.audit, .sequence(entry.seq), entry)
        nextSeq += 1
        entries.append(entry)
        overlay.writes.merge(transaction.writes) { _, new in new }
    }

    func commit() throws(VaultError) {
        guard !overlay.writes.isEmpty else { return }
        var changes: [EngineChange] = []
        for (key, write) in overlay.writes {
            let present = try overlay.engineRecord(key, in: vault)?.revision ?? 0
            if write.content == nil, present == 0 { continue }  // made and deleted within the batch
            changes.append(EngineChange(key: key, expecting: present, becomes: write.content))
        }
        // Revisions begin anew after a deletion: what was known of the same number must not be taken for it.
        for key in overlay.writes.keys { vault.decoded.forget(key) }
        do { try vault.engine.commit(changes) } catch { throw VaultError(error) }
        for (key, write) in overlay.writes {
            guard let content = write.content, let value = write.value else { continue }
            vault.decoded.remember(value, of: key, revision: content.revision)
        }
    }
}
