package import Access
import Model
import Rotations
package import Vault

extension VaultService {
    /// So many entries go with one commit, whose writers wait for it.
    private static let prunedAtOnce = 1000

    /// Drops the audit log's entries from `first` on up to `mark`, which somebody has exported: the MAC shows that it is this log that they know.
    /// What goes is vouched for from then on by its last entry's MAC, which the vault keeps, and the next entry's, which was made over it.
    /// Returns where the log begins then.
    package func pruneAudit(after first: AuditMark, through mark: AuditMark, as caller: Caller) async throws -> AuditMark {
        try caller.require(.audit, on: .everything)
        try caller.require(.admin, on: .everything)
        guard try await read({ try $0.auditMark(at: mark.seq) }) == mark else {
            throw Problem(
                .auditMismatch, "The audit log has no entry \(mark.seq) with this MAC; nothing was pruned.",
                nextStep: "keyturn audit verify")
        }
        let start = try await read { try $0.auditBeginning() }
        guard first.seq <= start.seq else {
            throw Problem(
                .auditMismatch,
                "The log begins with entry \(start.seq + 1): those before entry \(first.seq + 1) were not exported; nothing was pruned.",
                nextStep: "keyturn audit export audit.ndjson")
        }
        let now = clock.now()
        var continues = false
        while true {
            let isContinued = continues
            let begins = try await write { transaction in
                guard try transaction.auditBeginning().seq < mark.seq else { return .unchanged(mark.seq) }
                let begins = try transaction.pruneAudit(through: mark.seq, limit: Self.prunedAtOnce, continuing: isContinued)
                return .changed(begins.seq, AuditEvent(at: now, "audit.pruned", by: caller.audited, outcome: "through \(begins.seq)"))
            }
            guard begins < mark.seq else { return try await read { try $0.auditBeginning() } }
            continues = true
        }
    }
}
