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
        do throws(VaultError) {
            return try folder.open(unlockKey: try unlockKey(), at: time, random: random)
        } catch {
            throw awaited(insteadOf: error == .wrongKey && credential != nil ? Self.bad("it does not open this vault") : error)
        }
    }

    private static func bad(_ why: String) -> VaultError { .badCredential(name: credentialName, why) }

    /// What systemd passed, where no key file was named.
    private var credential: String? { keyFile == nil ? CredentialsFolder.path(of: Self.credentialName) : nil }

    /// To look for the right key file is no help where none is.
    private func awaited(insteadOf error: VaultError) -> VaultError {
        switch error {
        case .noKey, .wrongKey, .badKeyFile, .badCredential: break
        default: return error
        }
        guard let kinds = try? folder.slots().map(\.entry.kind), !kinds.contains(.credential) else { return error }
        return kinds.contains(.passphrase) ? .awaitsPassphrase : .awaitsRecoveryKey
    }

    func open(rootKey: borrowing Secret, random: any RandomSource) throws(VaultError) -> OpenVault {
        try folder.open(rootKey: rootKey, random: random)
    }

    func slots() throws(VaultError) -> [Slot] { try folder.slots() }

    private func unlockKey() throws(VaultError) -> Secret {
        if let keyFile { return try KeyFile.read(keyFile, systemdCredential: false) }
        do throws(VaultError) {
            if let credential { return try KeyFile.read(credential, systemdCredential: true) }
            return try KeyFile.read(folder.defaultKeyFile, systemdCredential: false)
        } catch .badKeyFile(credential, let why) {
            throw Self.bad(why)
        } catch .noKey where CredentialsFolder.isOfService {
            throw Self.bad("it was not passed, and \(folder.defaultKeyFile) does not exist either")
        }
    }
}
