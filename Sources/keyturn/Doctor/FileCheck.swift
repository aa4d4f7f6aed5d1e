import FoundationEssentials
import Glibc
import KeyturnWire
import Model
import SQLiteEngine
import Settings
import Vault

/// The files that the daemon begins with: settings, policy, vault and unlock key. It needs no daemon.
struct FileCheck {
    let patient: Patient
    /// What the daemon says, where it answers: it looks at owner and modes itself before it opens the vault.
    let status: Status?
    /// `nil` where no manager answers.
    let units: Units?

    private static let unlockKey = "the unlock key"

    func examine(into diagnosis: inout Diagnosis) async {
        guard let sources = patient.settings else { return }
        let settings = read(sources, &diagnosis)
        examinePolicy(sources, &diagnosis)
        guard let settings else { return }
        examineVault(settings, &diagnosis)
        guard !diagnosis.has("vault-missing") else { return }
        await examineKey(settings, &diagnosis)
    }

    // MARK: Settings and policy

    private func read(_ sources: SettingsSources, _ diagnosis: inout Diagnosis) -> DaemonSettings? {
        guard let hidden = Self.hidden(in: sources.folder, "keyturn.yaml") else {
            do throws(SettingsErrors) { return try sources.read() } catch {
                for problem in error.errors { diagnosis.found("settings-refused", "\(problem)", "keyturnd --check-config") }
                return nil
            }
        }
        diagnosis.couldNotSee("the settings", "\(hidden) is not for this user to read")
        return nil
    }

    private func examinePolicy(_ sources: SettingsSources, _ diagnosis: inout Diagnosis) {
        let folder = sources.policyFolder
        if let hidden = Self.hidden(in: folder, "policy.yaml") {
            return diagnosis.couldNotSee("the policy", "\(hidden) is not for this user to read")
        }
        do throws(SettingsErrors) { _ = try PolicySources(folder: folder, trusted: patient.owner ?? 0).read() } catch {
            for problem in error.errors {
                let said = "\(problem)"
                diagnosis.found(
                    "policy-refused",
                    // One that ends with a command has no full stop.
                    "\(said)\(said.hasSuffix(".") ? "" : ".") The daemon goes on with the policy that it has read before, and does not start anew without one.",
                    "keyturn policy check \(ShellWord.quoted(Self.path(of: problem) ?? "\(folder)/policy.yaml"))")
            }
        }
    }

    private static func path(of problem: SettingsError) -> String? {
        switch problem.place {
        case .file(let path, _, _), .wholeFile(let path): path
        case .environment, .flag: nil
        }
    }

    /// A file, or the folder with its parts, that is there and can't be read.
    private static func hidden(in folder: String, _ name: String) -> String? {
        let part = name.hasPrefix("policy") ? "policy.d" : "keyturn.yaml.d"
        let parts = ((try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(part)")) ?? []).map { "\(part)/\($0)" }
        return ([name, part] + parts).map { "\(folder)/\($0)" }.first { path in
            // SAFETY: the path is a C string for the length of the call.
            access(path, R_OK) != 0 && errno == EACCES
        }
    }

    // MARK: The vault

    private func examineVault(_ settings: DaemonSettings, _ diagnosis: inout Diagnosis) {
        guard let owner = patient.owner else {
            return diagnosis.found(
                "no-daemon-user", "There is no user 'keyturn', whose the vault has to be.", "systemctl restart systemd-sysusers.service")
        }
        // SAFETY: the path is a C string for the length of the call.
        if access("\(settings.vault)/.", X_OK) != 0, errno == EACCES {
            guard status == nil else { return }
            return diagnosis.couldNotSee("the vault's files", "\(settings.vault) is not for this user")
        }
        do throws(VaultError) { try VaultFolder(path: settings.vault).check(ownedBy: owner) } catch {
            let step =
                if case .missing = error, patient.kind != .byHand {
                    patient.kind == .system ? "keyturn init --systemd-credential" : "keyturn init --user"
                } else { error.nextStep }
            return diagnosis.found(error.code, error.detail, step)
        }
        guard let written = FileFacts(path: "\(settings.vault)/vault.db")?.modifiedSeconds else { return }
        let ahead = written - Timestamp.now.milliseconds / 1000
        if ahead > DaemonCheck.clockSecondsMax {
            diagnosis.found(
                "clock-off",
                "The vault was written \(TimeSpan(.seconds(ahead))) from now: the clock of this machine is behind, or was ahead.",
                "timedatectl")
        }
    }

    // MARK: The key

    private func examineKey(_ settings: DaemonSettings, _ diagnosis: inout Diagnosis) async {
        let keyFile = settings.keyFile ?? "\(settings.vault).key"
        if settings.keyFile == nil, patient.kind == .system {
            // SAFETY: no arguments, can't fail.
            guard geteuid() == 0 else {
                guard status == nil else { return }
                return diagnosis.couldNotSee(Self.unlockKey, "it is for root alone")
            }
            let sources = units?.credentials ?? CredentialSource.shipped
            if let source = sources.first(where: { FileFacts(path: $0.path) != nil }) {
                guard source.isEncrypted else {
                    return diagnosis.note("The unlock key \(source.path) lies in the open: \(Self.openToCopies)")
                }
                return await examineCredential(source.path, &diagnosis)
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
            let place = patient.kind == .system ? "neither \(SystemdCredential.path) nor \(keyFile)" : "no \(keyFile)"
            return diagnosis.found(
                "unlock-key-missing",
                "There is \(place): after each start of the daemon somebody has to unseal the vault. Put the key back, or make a new one: keyturn slot add --key-file FILE.",
                "keyturn unseal --passphrase")
        }
        if file.mode & 0o077 != 0 {
            diagnosis.found(
                "unlock-key-open", "\(keyFile) has mode \(file.shownMode): others may read it.", "chmod 600 \(ShellWord.quoted(keyFile))")
        }
        diagnosis.note("The unlock key \(keyFile) lies in the open: \(Self.openToCopies)")
    }

    /// By its own choice, with a passphrase or a recovery key. Of a sealed vault the daemon itself says what it misses.
    private var opensWithoutKeyFile: Bool { status.map { $0.sealed || $0.slots["credential", default: 0] == 0 } ?? false }

    private static let openToCopies = "who copies the disk can open the vault. A TPM or a passphrase would withstand that."

    private func examineCredential(_ path: String, _ diagnosis: inout Diagnosis) async {
        do throws(Failure) {
            let run = try await SystemdCredential(.auto, environment: patient.environment).check(path)
            guard run.status == 0 else {
                return diagnosis.found(
                    "unlock-key-unusable",
                    "\(path) does not open on this machine (\(run.complaint)). It was encrypted on another one, before this one was installed anew or its TPM was reset, or it is damaged. With it there the daemon does not start (status 243, CREDENTIALS): put it aside, restore the key from where you keep it, or open the vault with a recovery key.",
                    "mv \(path) \(path).old")
            }
        } catch {
            return diagnosis.couldNotSee(Self.unlockKey, error.document.detail)
        }
        if let credential = try? LocalFile.read(path), CredentialStrength(ofCredential: Array(credential)) == .diskAlone {
            diagnosis.note("\(path) is encrypted by a key on the same disk: \(Self.openToCopies)")
        }
    }
}
