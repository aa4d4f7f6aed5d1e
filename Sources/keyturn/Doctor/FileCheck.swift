import FoundationEssentials
import Glibc
import KeyturnWire
import Model
import SQLiteEngine
import Settings
import Vault

/// The files that the daemon begins with: settings, policy and vault, then its unlock key. It needs no daemon.
struct FileCheck {
    let patient: Patient
    /// What the daemon says, where it answers: it looks at owner and modes itself before it opens the vault.
    let status: Status?
    /// `nil` where no manager answers.
    let units: Units?

    /// The ways into the vault, where the daemon tells them.
    let slots: [Vault.Slot]?

    func examine(into diagnosis: inout Diagnosis) async {
        guard let sources = patient.settings else { return }
        await requireReadable(sources, &diagnosis)
        let settings = read(sources, &diagnosis)
        examinePolicy(sources, &diagnosis)
        guard let settings else { return }
        examineVault(settings, &diagnosis)
        guard !diagnosis.has("vault-missing") else { return }
        await UnlockKeyCheck(patient: patient, status: status, units: units, slots: slots).examine(settings, into: &diagnosis)
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

    /// What root can read and the daemon's user can't keeps it from starting, or is passed over.
    private func requireReadable(_ sources: SettingsSources, _ diagnosis: inout Diagnosis) async {
        guard patient.kind == .system, let daemon = DaemonReading(environment: patient.environment) else { return }
        for path in Self.files(in: sources.folder, "keyturn.yaml") + Self.files(in: sources.policyFolder, "policy.yaml") {
            guard let obstacle = await daemon.obstacle(to: path) else { continue }
            diagnosis.found(
                "file-unreadable",
                "\(obstacle.reason) The daemon goes on with what it has read before, and does not start anew without it.",
                obstacle.nextStep)
        }
    }

    private static func path(of problem: SettingsError) -> String? {
        switch problem.place {
        case .file(let path, _, _), .wholeFile(let path): path
        case .environment, .flag: nil
        }
    }

    /// A file, the folder with its parts, and these.
    private static func files(in folder: String, _ name: String) -> [String] {
        let part = name.hasPrefix("policy") ? "policy.d" : "keyturn.yaml.d"
        let parts = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(part)")) ?? []
        return ([name, part] + parts.filter { $0.hasSuffix(".yaml") && !$0.hasPrefix(".") }.sorted().map { "\(part)/\($0)" })
            .map { "\(folder)/\($0)" }
    }

    /// One that is there and can't be read.
    private static func hidden(in folder: String, _ name: String) -> String? {
        files(in: folder, name).first { path in
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
            guard case .missing = error else { return diagnosis.found(error.code, error.detail, error.nextStep) }
            return reportMissing(settings, &diagnosis)
        }
        if let code = status?.sealedCode, doesNotSee(settings.vault) {
            return diagnosis.found(
                code,
                "The daemon does not see the vault at \(settings.vault), which came there while it was running: what it sees of the folders is from its start.",
                "\(patient.systemctl) restart keyturnd.service")
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

    /// Its sandbox keeps the folder that was there before, or has the new one for reading alone.
    private func doesNotSee(_ vault: String) -> Bool {
        guard status?.sealedCode != "vault-missing" else { return true }
        // SAFETY: the path is a C string for the length of the call.
        return status?.sealedReason?.contains("Read-only file system") == true && access(vault, W_OK) == 0
    }

    private func reportMissing(_ settings: DaemonSettings, _ diagnosis: inout Diagnosis) {
        let path = settings.vault
        if let trace = traces(of: settings).first(where: { FileFacts(path: $0) != nil }) {
            let lost = VaultError.lost(path: path, trace: trace)
            return diagnosis.found(lost.code, lost.explanation, lost.nextStep)
        }
        let missing = VaultError.missing(
            path: path, making: patient.kind == .system ? "keyturn init --systemd-credential" : "keyturn init --user")
        // The daemon sees traces that this user may not.
        if let status, status.sealedCode == missing.code, let step = status.nextStep, !step.hasPrefix("keyturn init ") {
            return diagnosis.found(missing.code, status.sealedReason ?? missing.detail, step)
        }
        diagnosis.found(missing.code, missing.detail, missing.nextStep)
    }

    /// What outlives a vault: the mirror of its counter, and its unlock key.
    private func traces(of settings: DaemonSettings) -> [String] {
        let folder = VaultFolder(path: settings.vault)
        let isSystem = patient.kind == .system
        let counter = settings.counterFile ?? (isSystem ? Self.systemsCounter : folder.defaultCounterFile)
        let credentials = isSystem && settings.keyFile == nil ? (units?.credentials ?? CredentialSource.shipped).map(\.path) : []
        return [counter] + credentials + [settings.keyFile ?? folder.defaultKeyFile]
    }

    /// In the second `StateDirectory=` of keyturnd.service.
    private static let systemsCounter = "/var/lib/keyturn-counter/counter"
}
