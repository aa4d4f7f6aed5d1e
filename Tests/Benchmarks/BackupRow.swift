import Foundation
import KeyturnClient
import Model
import Vault

/// Whether a backup goes out piece by piece: what the daemon needs for it does not grow with the vault.
struct BackupRow {
    let daemon: String
    private static let few = 1000
    private static let many = 100_000

    init(daemon: String) { self.daemon = daemon }

    func run() async throws {
        let (few, many) = (try await peak(records: Self.few), try await peak(records: Self.many))
        let ratio = Double(many.kib) / Double(few.kib)
        Report.ratio(
            "private memory at its highest in a backup of 100,000 records / of 1,000", ratio, budget: "≤ 1.2", isWithin: ratio <= 1.2,
            "\(many.kib / 1024) MiB for \(many.bytes / 1_048_576) MiB against \(few.kib / 1024) MiB for \(few.bytes / 1_048_576) MiB")
    }

    private func peak(records: Int) async throws -> (kib: Int, bytes: Int) {
        let field = try await Field(configs: 0, staged: 0)
        try await field.fill(records: records)
        try await field.closeVault()
        let process = try DaemonProcess(daemon, vault: "\(field.folder)/vault", socket: "\(field.folder)/s")
        // A write comes after the look at all records, which is not what is measured.
        _ = try? await process.client.removeUpstream("nothing")
        let (size, highest) = (Size(), Highest())
        let sampling = Task {
            while !Task.isCancelled {
                highest.take((try? process.privateKiB()) ?? 0)
                try? await Task.sleep(for: .milliseconds(2))
            }
        }
        try await process.client.backUp { size.add($0.count) }
        sampling.cancel()
        highest.take(try process.privateKiB())
        process.stop()
        await field.end()
        return (highest.value, size.bytes)
    }
}

private final class Size: @unchecked Sendable {
    // SAFETY: added to by one call at a time, read when the backup is over.
    private(set) var bytes = 0
    func add(_ count: Int) { bytes += count }
}

extension RecordKind where Value == [UInt8] {
    /// Known to nobody else; a backup takes records of any kind.
    fileprivate static let filler = RecordKind(tag: 0xF0, name: "filler")
}

extension Field {
    /// Many records straight into the vault, a thousand a commit.
    fileprivate func fill(records: Int) async throws {
        let now = Timestamp(Date())
        for start in stride(from: 0, to: records, by: 1000) {
            try await vault.write { transaction in
                for index in start..<min(start + 1000, records) {
                    try transaction.put(.filler, .named("\(index)"), [UInt8](repeating: 7, count: 128))
                }
                return .changed((), AuditEvent(at: now, "filled", by: nil))
            }
        }
    }
}
