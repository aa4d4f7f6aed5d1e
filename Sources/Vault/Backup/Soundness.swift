import FoundationEssentials
import Secrets

extension OpenVault {
    private static let soundnessPage = 256

    /// That every sealed record opens in its place.
    func requireSound() throws(VaultError) {
        var last: [UInt8]?
        while true {
            let page: [EngineRecord]
            do { page = try engine.range([], after: last, order: .ascending, limit: Self.soundnessPage) } catch { throw VaultError(error) }
            for record in page where record.key[0] != RecordTag.header && record.key[0] != RecordTag.slot {
                // Into guarded memory: it may be a secret.
                _ = try openSecret(record, kind: "\(record.key[0])")
            }
            guard let end = page.last else { return }
            last = end.key
        }
    }
}
