import Glibc
import KeyturnWire
import Model
import Secrets
import Settings
import Vault

/// Whether the unlock key is there, opens here, and opens this vault: the daemon itself looks at it only when it starts.
struct UnlockKeyCheck {
    let patient: Patient
    let status: Status?
    let units: Units?
    let slots: [Vault.Slot]?

    private static let unlockKey = "the unlock key"

    func examine(_ settings: DaemonSettings, into diagnosis: inout Diagnosis) async {
        let keyFile = settings.keyFile ?? "\(settings.vault).key"
        if settings.keyFile == nil, patient.kind == .system {
            // SAFETY: no arguments, can't fail.
            guard geteuid() == 0 else {
                guard status == nil else { return }
                return diagnosis.couldNotSee(Self.unlockKey, "it is for root alone")
            }
            if let source = sources.first(where: { FileFacts(path: $0.path) != nil }) {
                return source.isEncrypted
                    ? await examineCredential(source, &diagnosis) : examineInTheOpen(source.path, mending: mending(source), &diagnosis)
            }
            if let source = sources.first(where: { !$0.isByName }) {
                return diagnosis.found(
                    "unlock-key-unusable",
                    "keyturnd.service takes its unlock key from \(source.path), which is not there: systemd does not start it (status 243, CREDENTIALS). Put the key there, or take that line out of the unit.",
                    "systemctl edit keyturnd.service")
            }
        }
        guard let file = FileFacts(path: keyFile) else {
            let code = errno
            guard !opensWithoutKeyFile else { return }
            guard code == ENOENT || code == ENOTDIR else { return diagnosis.couldNotSee(Self.unlockKey, "\(keyFile) can't be looked at") }
            return reportMissing(keyFile, &diagnosis)
        }
        if file.mode & 0o077 != 0 {
            diagnosis.found(
                "unlock-key-open", "\(keyFile) has mode \(file.shownMode): others may read it.", "chmod 600 \(ShellWord.quoted(keyFile))")
        }
        examineInTheOpen(keyFile, mending: mending(keyFile: keyFile), &diagnosis)
    }

    private var sources: [CredentialSource] { units?.credentials ?? CredentialSource.shipped }

    /// By its own choice, with a passphrase or a recovery key. Of a sealed vault the daemon itself says what it misses.
    private var opensWithoutKeyFile: Bool { status.map { $0.sealed || $0.slots["credential", default: 0] == 0 } ?? false }

    private func reportMissing(_ keyFile: String, _ diagnosis: inout Diagnosis) {
        let isCredential = patient.kind == .system && sources.contains { $0.path == SystemdCredential.path && $0.isEncrypted }
        let place = isCredential ? "neither \(SystemdCredential.path) nor \(keyFile)" : "no \(keyFile)"
        let making = isCredential ? "keyturn slot add --systemd-credential" : "keyturn slot add --key-file \(ShellWord.quoted(keyFile))"
        // Without the daemon nobody knows what else opens it: to look would be to write into the vault's folder.
        let isOpen = status != nil
        diagnosis.found(
            "unlock-key-missing",
            "There is \(place): after each start of the daemon somebody has to unseal the vault, with a passphrase (keyturn unseal --passphrase) or a recovery key (keyturn unseal --recovery FILE). Put the key back, or make a new one \(isOpen ? "now" : "when the vault is unsealed"): \(making)",
            isOpen ? making : "keyturn help unseal")
    }

    // MARK: One that is there

    private static let openToCopies = "who copies the disk can open the vault. A TPM or a passphrase would withstand that."

    private func examineInTheOpen(_ path: String, mending: String, _ diagnosis: inout Diagnosis) {
        diagnosis.note("The unlock key \(path) lies in the open: \(Self.openToCopies)")
        guard isToBeTried(&diagnosis) else { return }
        // Who may read it is seen to above, and is systemd's affair where that passes it on.
        do throws(Failure) { requireOpening(try SecretSource.file(path).read(), path, mending, &diagnosis) } catch {
            diagnosis.couldNotSee(Self.unlockKey, error.document.detail)
        }
    }

    private func examineCredential(_ source: CredentialSource, _ diagnosis: inout Diagnosis) async {
        let path = source.path
        do throws(Failure) {
            let opened = try await SystemdCredential(.auto, environment: patient.environment).decrypt(path)
            guard opened.run.status == 0 else {
                return diagnosis.found(
                    "unlock-key-unusable",
                    "\(path) does not open on this machine (\(opened.run.complaint)). It was encrypted on another one, before this one was installed anew or its TPM was reset, or it is damaged. With it there the daemon does not start (status 243, CREDENTIALS): put it aside, restore the key from where you keep it, or open the vault with a recovery key.",
                    "mv \(path) \(path).old")
            }
            if isToBeTried(&diagnosis) { requireOpening(opened.secret, path, mending(source), &diagnosis) }
        } catch {
            return diagnosis.couldNotSee(Self.unlockKey, error.document.detail)
        }
        if let credential = try? LocalFile.read(path), CredentialStrength(ofCredential: Array(credential)) == .diskAlone {
            diagnosis.note("\(path) is encrypted by a key on the same disk: \(Self.openToCopies)")
        }
    }

    // MARK: Whether it opens this vault

    /// Not where the daemon has tried it and says what is wrong, or can't get at the vault.
    private func isToBeTried(_ diagnosis: inout Diagnosis) -> Bool {
        guard let status, !status.sealed || ["sealed", "vault-older"].contains(status.sealedCode) else { return false }
        guard slots == nil else { return true }
        diagnosis.couldNotSee("whether the unlock key opens this vault", "it takes the right 'admin': keyturn whoami")
        return false
    }

    private func requireOpening(_ key: borrowing Secret, _ path: String, _ mending: String, _ diagnosis: inout Diagnosis) {
        guard !opens(key) else { return }
        let why =
            key.count == KeyFile.byteCount
            ? "opens another vault, not this one" : "is no unlock key: it has \(key.count) bytes instead of \(KeyFile.byteCount)"
        diagnosis.found(
            "unlock-key-wrong",
            "\(path) \(why). The daemon looks at it only when it starts, and will then start sealed. Put the right one in its place, or make a new one while the vault is open.",
            mending)
    }

    private func opens(_ key: borrowing Secret) -> Bool {
        guard key.count == KeyFile.byteCount else { return false }
        for slot in slots ?? [] {
            if let secret = slot.secret(keyFile: key), slot.rootKey(by: secret) != nil { return true }
        }
        return false
    }

    // MARK: A new one in its place

    private func mending(_ source: CredentialSource) -> String {
        // A new credential is found by its name, and before what lies elsewhere.
        let isFound = source.isByName && sources.contains { $0.path == SystemdCredential.path && $0.isEncrypted }
        return Self.aside(source.path)
            + (isFound ? "keyturn slot add --systemd-credential" : "keyturn slot add --key-file \(ShellWord.quoted(source.path))")
    }

    /// The daemon reads it itself, so it has to have the same owner.
    private func mending(keyFile: String) -> String {
        let path = ShellWord.quoted(keyFile)
        return Self.aside(keyFile) + "keyturn slot add --key-file \(path)"
            + (patient.kind == .system ? " && chown --reference=\(ShellWord.quoted("\(keyFile).old")) \(path)" : "")
    }

    private static func aside(_ path: String) -> String { "mv \(ShellWord.quoted(path)) \(ShellWord.quoted("\(path).old")) && " }
}
