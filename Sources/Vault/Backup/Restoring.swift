package import Model
import Secrets

extension BackupFile {
    private static let pageSize = 1024

    /// Writes everything into an empty engine, and puts the vault there in quarantine, since keys may have died after the backup was made.
    /// `opened` is the backup itself, opened. Before it returns, everything was read back.
    package func restore(into engine: any Engine, by opened: OpenVault, at time: Timestamp) throws(VaultError) {
        var last: [UInt8]?
        do throws(EngineError) {
            while true {
                let page = try range([], after: last, order: .ascending, limit: Self.pageSize)
                guard let end = page.last else { break }
                try engine.commit(
                    page.map { EngineChange(key: $0.key, expecting: 0, becomes: .init(revision: $0.revision, value: $0.value)) })
                last = end.key
            }
        } catch {
            throw VaultError(error)
        }
        let vault = try OpenVault(engine: engine, rootKey: opened.rootKey.clone(), random: opened.random)
        let quarantine = Quarantine(id: SlotEntry.newID(vault.random), since: time, why: .restored, isUnopened: true)
        var batch = Batch(vault: vault, after: try vault.lastAuditMark())
        var transaction = batch.transaction()
        try transaction.changeState { $0.quarantine = quarantine }
        try batch.add(transaction, AuditEvent(at: time, "vault.restored", by: nil, outcome: "backup of \(head.madeAt)"))
        try batch.commit()
        try vault.requireSound(names: RecordTag.names)
    }
}
