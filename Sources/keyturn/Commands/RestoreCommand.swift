import ArgumentParser
import FoundationEssentials
import Model
import SQLiteEngine
import Secrets
import Settings
import Vault

struct RestoreCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Make a vault out of a backup; needs no daemon.",
        discussion: """
            Overwrites nothing, and looks at the whole backup before it writes anything. The vault begins in quarantine: the backup may hold \
            keys that have died since, so nothing goes out until a config is released (keyturn release) or has a newly staged key.
            As root, for a daemon of another user: make the empty folder for that user first; the new files get its owner.

            Example, for keyturnd.service:
              systemctl stop keyturnd.socket keyturnd.service
              systemd-tmpfiles --create keyturn.conf
              keyturn restore keyturn.backup --vault /var/lib/keyturn --recovery recovery.key
              systemctl restart keyturnd.service
            """)

    @Argument(help: ArgumentHelp("The backup.", valueName: "file")) var file: String
    @Option(help: ArgumentHelp("Where the vault shall be: a new or an empty folder.", valueName: "dir")) var vault: String
    @OptionGroup var unlocking: UnlockOptions
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    struct Restored: Encodable {
        let vault: String
        let backup: BackupReport
        let quarantine = true

        enum CodingKeys: CodingKey {
            case vault, backup, quarantine
        }
    }

    func perform(_ context: Context) async throws -> CommandExit {
        let folder = VaultFolder(path: try Checked.absolute(vault, of: "--vault"))
        let report = try restore(to: folder)
        context.console.show(Restored(vault: folder.path, backup: report)) {
            let configs = report.configs == 1 ? "1 config" : "\(report.configs) configs"
            context.console.done("Made the vault \(folder.path) out of the backup of \(report.madeAt): \(configs).")
            context.console.done("It is in quarantine: nothing goes out until you release it, or stage a new key and rotate to it.")
            // It starts the socket, too; a daemon that runs goes on seeing the folder that was there before.
            guard folder.path != DaemonSettings().vault else { return context.console.hint("systemctl restart keyturnd.service") }
            let keyFile = unlocking.keyFile ?? unlocking.recovery
            context.console.hint(PastedCommand.daemon(of: folder.path, keyFile: keyFile == folder.defaultKeyFile ? nil : keyFile))
            context.console.hint(PastedCommand(socket: PastedCommand.socket(of: folder.path)).text("keyturn status"))
        }
        return .done
    }

    private func restore(to folder: VaultFolder) throws(Failure) -> BackupReport {
        do {
            try folder.requireFree()
            let backup = try BackupFile(path: file)
            let opened = try unlocking.open(backup) ?? UnlockOptions.open(backup, keyFile: folder.defaultKeyFile)
            try backup.requireGenuine(in: opened)
            try folder.create { (engine) throws(VaultError) in try backup.restore(into: engine, by: opened, at: Timestamp(Date())) }
            return BackupReport(backup, named: file, checked: .everyRecord)
        } catch let error as BackupError {
            throw .failed(error.detail, nextStep: error.nextStep)
        } catch let error as VaultError {
            throw .backup(file, error)
        } catch {
            throw Failure(error)
        }
    }
}
