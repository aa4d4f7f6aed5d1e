package import Access
import Model
import Rotations
import Synchronization
package import Vault

extension VaultService {
    /// The audit log, oldest first, after an entry. Who reads it is recorded before anything is shown.
    package func audit(after seq: Int64, limit: Int, as caller: Caller) async throws -> [AuditEntry] {
        try caller.require(.audit, on: .everything)
        try await recordReading(by: caller.audited)
        return try await read { try $0.auditEntries(after: seq, limit: limit) }
    }

    /// What of the log belongs into the caller's event stream.
    package func events(after seq: Int64, limit: Int) async throws -> [AuditEntry] {
        try await read { try $0.auditEntries(after: seq, limit: limit) }
    }

    /// One entry for what a caller reads in a minute: who follows the log must not make it longer page by page.
    private func recordReading(by caller: AuditEvent.Caller) async throws {
        let (now, uptime) = (clock.now(), clock.uptime())
        guard auditReadings.isDue(caller, at: uptime) else { return }
        try await write(.begun) { _ in .changed((), AuditEvent(at: now, "audit.read", by: caller)) }
        auditReadings.note(caller, at: uptime)
    }
}

/// When each caller's reading was recorded last.
final class AuditReadings: Sendable {
    private let recorded = Mutex<[AuditEvent.Caller: Duration]>([:])

    private static let interval = Duration.seconds(60)

    func isDue(_ caller: AuditEvent.Caller, at uptime: Duration) -> Bool {
        recorded.withLock { recorded in recorded[caller].map { uptime - $0 >= Self.interval } ?? true }
    }

    func note(_ caller: AuditEvent.Caller, at uptime: Duration) {
        recorded.withLock { recorded in
            recorded = recorded.filter { uptime - $0.value < Self.interval }
            recorded[caller] = uptime
        }
    }
}

extension VaultView {
    func auditEntries(after seq: Int64, limit: Int) throws(VaultError) -> [AuditEntry] {
        let cursor = seq > 0 ? vault.cursor(.audit, .sequence(seq)) : nil
        return try list(.audit, after: cursor, limit: limit).map(\.value)
    }
}
