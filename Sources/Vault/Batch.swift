/// The transactions that one commit makes durable together: concurrent writers share the disk's one expensive act.
struct Batch {
    /// A record as a transaction leaves it; `nil` content deletes.
    struct Write {
        let content: EngineChange.Content?
    }

    private let vault: OpenVault
    private(set) var writes: [[UInt8]: Write] = [:]
    private(set) var entries: [AuditEntry] = []
    private var nextSeq: Int64

    init(vault: OpenVault, nextSeq: Int64) {
        self.vault = vault
        self.nextSeq = nextSeq
    }

    func transaction() -> Transaction {
        Transaction(vault: vault, after: writes)
    }

    mutating func add(_ transaction: Transaction, _ event: AuditEvent) throws(VaultError) {
        var transaction = transaction
        let entry = AuditEntry(seq: nextSeq, event: event)
        try transaction.put(.audit, .sequence(entry.seq), entry)
        nextSeq += 1
        entries.append(entry)
        writes.merge(transaction.writes) { _, new in new }
    }

    func commit() throws(VaultError) {
        var changes: [EngineChange] = []
        for (key, write) in writes {
            let present = try VaultView(vault: vault).engineRecord(key)?.revision ?? 0
            if write.content == nil, present == 0 { continue }  // made and deleted within the batch
            changes.append(EngineChange(key: key, expecting: present, becomes: write.content))
        }
        do { try vault.engine.commit(changes) } catch { throw VaultError(error) }
    }
}
