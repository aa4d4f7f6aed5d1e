package import Access
import Model
import Rotations
package import Vault

extension VaultService {
    /// The audit log, oldest first, after an entry.
    package func audit(after seq: Int64, limit: Int, as caller: Caller) async throws -> [AuditEntry] {
        try caller.require(.audit, on: .everything)
        return try await read { try $0.auditEntries(after: seq, limit: limit) }
    }

    /// What of the log belongs into the caller's event stream.
    package func events(after seq: Int64, limit: Int) async throws -> [AuditEntry] {
        try await read { try $0.auditEntries(after: seq, limit: limit) }
    }
}

extension VaultView {
    func auditEntries(after seq: Int64, limit: Int) throws(VaultError) -> [AuditEntry] {
        let cursor = seq > 0 ? vault.cursor(.audit, .sequence(seq)) : nil
        return try list(.audit, after: cursor, limit: limit).map(\.value)
    }
}
