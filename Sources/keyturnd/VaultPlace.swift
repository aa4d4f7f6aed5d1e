import Host
import Model
import Operations
import SQLiteEngine
import Secrets
import Vault

/// Where the vault and its unlock key are. Looked at anew each time it is unsealed.
struct VaultPlace: VaultSource {
    let folder: VaultFolder
    /// From the settings; else systemd's credential; else beside the vault.
    let keyFile: String?

    /// The name of the unit's credential (`LoadCredential=`), see systemd.exec(5).
    private static let credentialName = "keyturn.key"

    var machine: String? { Machine.id }

    func open(at time: Timestamp, random: any RandomSource) throws(VaultError) -> OpenVault {
        // First: where there is no vault, a key that is missing too is not what to look for.
        try folder.check()
        let unlockKey: Secret
        do { unlockKey = try self.unlockKey() } catch {
            guard case .noKey = error, let kinds = try? folder.slots().map(\.entry.kind), !kinds.contains(.credential),
                kinds.contains(.passphrase)
            else { throw error }
            throw VaultError.awaitsPassphrase
        }
        return try folder.open(unlockKey: unlockKey, at: time, random: random)
    }

    func open(rootKey: borrowing Secret, random: any RandomSource) throws(VaultError) -> OpenVault {
        try folder.open(rootKey: rootKey, random: random)
    }

    func slots() throws(VaultError) -> [Slot] { try folder.slots() }

    private func unlockKey() throws(VaultError) -> Secret {
        if let keyFile { return try KeyFile.read(keyFile, systemdCredential: false) }
        if let credential = CredentialsFolder.path(of: Self.credentialName) {
            do { return try KeyFile.read(credential, systemdCredential: true) } catch {
                guard case .noKey = error else { throw error }
            }
        }
        return try KeyFile.read(folder.defaultKeyFile, systemdCredential: false)
    }
}
