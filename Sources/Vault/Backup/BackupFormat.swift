package import Model
import Secrets

/// A backup, from its first byte to its last. Numbers are big-endian.
///
///     magic (15) ‖ format (1) ‖ size (4) ‖ head, JSON
///     for each record, in the order of keys:  1 (1) ‖ key size (4) ‖ key ‖ revision (8) ‖ value size (4) ‖ value, sealed as in the vault
///     2 (1) ‖ size (4) ‖ summary, JSON
///     MAC (32): keyed BLAKE2b, by the vault's backup key, of the BLAKE2b hash of all before
///     checksum (32): BLAKE2b of all before, without a key ‖ end mark (8)
enum BackupFormat {
    static let magic = Array("keyturn backup\n".utf8)
    static let format: UInt8 = 1
    static let record: UInt8 = 1
    static let summary: UInt8 = 2
    static let endMark = Array("\nkt-end\n".utf8)
    static let hashBytes = Blake2bStream.byteCount

    /// The largest record has some KiB; what claims to be larger is not one.
    static let valueBytesMax = 16 << 20

    static func number(_ value: UInt64, bytes: Int) -> [UInt8] {
        (0..<bytes).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (bytes - 1 - $0))) }
    }

    static func number(_ bytes: some Collection<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// What a backup says of itself to everybody, before its records.
package struct BackupHead: Sendable, Equatable, Codable {
    package let madeAt: Timestamp
    /// The machine id of the host whose vault it is.
    package let machine: String?
    /// Of the vault, not of the backup.
    package let vaultFormat: Int
}

/// And after them.
package struct BackupSummary: Sendable, Equatable, Codable {
    /// Of all kinds.
    package var records = 0
    /// Removed ones that can still come back are among them.
    package var configs = 0
}

extension OpenVault {
    /// Vouches for a backup as a whole.
    func backupMAC(of digest: [UInt8]) -> [UInt8] {
        rootKey.derived(context: "backup__").withBytes { Blake2b.hash(Array("keyturn backup".utf8) + digest, key: $0, count: 32) }
    }
}
