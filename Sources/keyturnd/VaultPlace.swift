import Glibc
import Host
import Model
import Operations
import SQLiteEngine
import Secrets
import Settings
import Vault

/// Where the vault and its unlock key are. Looked at anew each time it is unsealed.
struct VaultPlace: VaultSource {
    let folder: VaultFolder
    /// From the settings; else systemd's credential; else beside the vault.
    let keyFile: String?
    /// The mirror of its counter, which outlives it.
    let counterFile: String

    /// The name of the unit's credential (`LoadCredential=`), see systemd.exec(5).
    private static let credentialName = "keyturn.key"

    var machine: String? { Machine.id }

    func open(at time: Timestamp, random: any RandomSource) throws(VaultError) -> OpenVault {
        // First: where there is no vault, a key that is missing too is not what to look for.
        do throws(VaultError) { try folder.check() } catch { throw explained(error) }
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

    func slots() throws(VaultError) -> [Slot] {
        do throws(VaultError) { return try folder.slots() } catch { throw explained(error) }
    }

    // MARK: Where there is none

    /// To be told to make a new vault is no help to who has lost one.
    private func explained(_ error: VaultError) -> VaultError {
        guard case .missing(let path, _) = error else { return error }
        if let trace { return .lost(path: path, trace: trace) }
        // Under systemd the key belongs into a credential.
        return .missing(path: path, making: path == DaemonSettings().vault ? "keyturn init --systemd-credential" : nil)
    }

    private var trace: String? {
        if Self.isThere(counterFile) { return "the mirror of its counter, \(counterFile)," }
        if credential != nil { return "its unlock key, systemd's credential '\(Self.credentialName)'," }
        let file = keyFile ?? folder.defaultKeyFile
        return Self.isThere(file) ? "its unlock key, \(file)," : nil
    }

    private static func isThere(_ file: String) -> Bool {
        // SAFETY: the path is a C string for the length of the call.
        access(file, F_OK) == 0
    }

    // MARK: Its key

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
