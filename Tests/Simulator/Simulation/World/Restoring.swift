import Foundation
import Model
import Vault

/// What a caller keeps of a backup, for a disaster to come.
final class KeptBackup: @unchecked Sendable {
    // SAFETY: used from the scheduler's thread alone.
    fileprivate(set) var whole: [UInt8]?

    func keep(_ pieces: [[UInt8]]) { whole = pieces.flatMap(\.self) }
}

extension World {
    /// The disk is lost, and the operator restores the last backup to another: what was done since is known to the backends alone.
    /// One step without crash points: a restore writes to a draft folder, which gets the vault's name when all is in it, so that a kill leaves
    /// no vault, and the same command does it again. `Tests/Durability` kills the real one. What comes after it, the first opening, has them.
    func restoreBackup() {
        guard let bytes = backup.whole else { return }
        betweenLives { restore(bytes) }
    }

    /// The same under a daemon that lives on, sealed meanwhile, and opens what it finds.
    func restoreBackupWhileSealed() {
        guard let bytes = backup.whole else { return }
        changeDisk = { [unowned self] in restore(bytes) }
        callers.begin(.sealAndUnseal)
    }

    private func restore(_ bytes: [UInt8]) {
        trace("the disk is lost, the last backup is restored")
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("keyturn-simulator-\(UUID().uuidString).backup").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        replaceDisk { [time, random] engine in
            guard FileManager.default.createFile(atPath: path, contents: Data(bytes)) else {
                throw VaultError.failed("no backup could be written to \(path)")
            }
            let file = try BackupFile(path: path)
            defer { file.close() }
            let opened = try OpenVault.open(file, unlockKey: Self.unlockKey, at: time.now(), random: random)
            try file.requireGenuine(in: opened)
            try file.restore(into: engine, by: opened, at: time.now())
        }
        oracle.holdAll(isRefused: false, isUnopened: true)
    }
}
