package import Access
package import Model
import Rotations
package import Vault

extension VaultService {
    /// The audit log, oldest first, after an entry.
    package func audit(after seq: Int64, limit: Int, as caller: Caller) async throws -> [AuditEntry] {
        try policy.require(.audit, on: .everything, for: caller)
        return try await read { try $0.auditEntries(after: seq, limit: limit) }
    }

    /// What of the log belongs into the caller's event stream.
    package func events(after seq: Int64, limit: Int) async throws -> [AuditEntry] {
        try await read { try $0.auditEntries(after: seq, limit: limit) }
    }

    package func maySee(_ config: ConfigName, as caller: Caller) -> Bool {
        policy.allows(caller, .read, on: .config(config))
    }

    /// How the daemon sees the caller: the rights that it has on everything.
    package func rights(of caller: Caller) -> [Right] {
        Right.allCases.filter { policy.allows(caller, $0, on: .everything) }
    }
}

extension VaultView {
    func auditEntries(after seq: Int64, limit: Int) throws(VaultError) -> [AuditEntry] {
        let cursor = seq > 0 ? vault.cursor(.audit, .sequence(seq)) : nil
        return try list(.audit, after: cursor, limit: limit).map(\.value)
    }
}
