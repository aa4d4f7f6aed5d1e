package import Access
package import Model
import Rotations
import Vault

/// That the vault was backed up: the last time.
package struct BackupRecord: Sendable, Codable, Equatable {
    package let at: Timestamp
}

extension RecordKind where Value == BackupRecord {
    static let backup = RecordKind(tag: 0x1F, name: "backup")
}

extension VaultService {
    /// One sealed copy of everything, as it is now; work goes on meanwhile. Who takes it is recorded before the first byte leaves.
    package func backUp(as caller: Caller) async throws -> BackupRun {
        try caller.require(.backup, on: .everything)
        try await requireRoom()
        let now = clock.now()
        try await write { _ in .changed((), AuditEvent(at: now, "vault.backup-begun", by: caller.audited)) }
        do throws(VaultError) {
            return BackupRun(service: self, source: try await vault.backup(at: now, counting: .config), caller: caller)
        } catch {
            throw error.problem
        }
    }
}

/// A backup on its way to the caller.
package struct BackupRun: Sendable {
    fileprivate let service: VaultService
    fileprivate let source: BackupSource
    fileprivate let caller: Caller

    /// Returns when it has taken longer than it may.
    package func timeIsUp() async {
        await service.clock.sleep(for: service.limits.backupTimeMax)
    }

    /// Passes it on piece by piece. The last piece, without which it is no backup, follows once it is recorded that the vault was backed up.
    package func write(_ pass: (_ piece: [UInt8]) async throws -> Void) async throws {
        var stream = source.stream()
        while let piece = try stream.next() {
            try await pass(piece)
            try Task.checkCancellation()
        }
        let end = stream.end()
        let (at, now, records) = (source.head.madeAt, service.clock.now(), stream.summary.records)
        try await service.write(.begun) { [caller] transaction in
            try transaction.put(.backup, .named(""), BackupRecord(at: at))
            return .changed((), AuditEvent(at: now, "vault.backed-up", by: caller.audited, outcome: "\(records) records"))
        }
        try await pass(end)
    }
}
