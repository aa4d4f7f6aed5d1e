import ArgumentParser
import Glibc
import KeyturnClient
import Model
import Vault

/// `backup FILE` and `backup verify FILE`.
struct BackupCommand: GroupOfCommands {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Back the vault up into one sealed file, and check such a file.",
        usage: """
            keyturn backup FILE [--force]
            keyturn backup --keep NUMBER FOLDER
            keyturn backup verify FILE [--key-file FILE | --recovery FILE | --passphrase]
            """,
        discussion: "Restore it with: keyturn restore FILE --vault DIR",
        subcommands: [BackupMakeCommand.self, BackupVerifyCommand.self], defaultSubcommand: BackupMakeCommand.self)
}

struct BackupMakeCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "make", abstract: "Write a backup, while the daemon works. 'keyturn backup FILE' is short for it.",
        discussion: """
            The file holds every record as it is sealed in the vault, and opens only with one of the vault's unlock keys: keep one of them \
            apart from it. It appears under its name when it is whole and on the disk. One that takes more than 10 minutes is broken off.
            With --keep it goes into a folder under the name of its time, and once it is whole the oldest ones there go: the newest NUMBER stay.
            """)

    @Argument(help: ArgumentHelp("Where it goes; '-' is standard output. With --keep the folder.", valueName: "file")) var file: String
    @Option(help: ArgumentHelp("Keep so many backups in a folder.", valueName: "number")) var keep: Int?
    @Flag(help: "Overwrite an existing file.") var force = false
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        guard let keep else {
            guard file != "-" else { return try await stream(context) }
            return try await make(file, context)
        }
        guard keep > 0 else { throw Failure.usage("--keep must be a number above 0.") }
        guard file != "-", !force else { throw Failure.usage("--keep is for a folder, in which nothing is overwritten.") }
        let kept = KeptBackups(folder: file)
        let made = kept.freePath(at: .now)
        let exit = try await make(made, context)
        for path in try kept.prune(to: keep, butNot: made) { context.console.done("Removed \(path).") }
        return exit
    }

    private func make(_ file: String, _ context: Context) async throws -> CommandExit {
        guard force || access(file, F_OK) != 0 else { throw LocalFile.taken(file, Self.otherwise) }
        let target = try LocalFile.written(otherwise: Self.otherwise) { () throws(FileError) in
            try DraftFile(of: file, ending: "part-\(getpid())")
        }
        try await context.daemon.backUp { piece in
            try LocalFile.written(otherwise: Self.otherwise) { () throws(FileError) in try target.write(piece) }
        }
        let made: BackupReport
        do throws(BackupError) {
            made = BackupReport(try BackupFile(path: target.draft), named: file, checked: .contents)
        } catch {
            throw Failure.failed("What the daemon sent is not a whole backup.", nextStep: "keyturn backup \(ShellWord.quoted(file))")
        }
        try LocalFile.written(otherwise: Self.otherwise) { () throws(FileError) in try target.publish(force ? .replacing : .new) }
        context.console.show(made) {
            context.console.done("Wrote \(file): \(made.records) records, \(made.configs) of them configs.")
            context.console.hint("keyturn backup verify \(ShellWord.quoted(file))")
        }
        return .done
    }

    private static let otherwise = "Choose another name, or say --force."

    private func stream(_ context: Context) async throws -> CommandExit {
        guard !SecretSource.isTerminal(STDOUT_FILENO) else {
            throw Failure.usage("A backup does not belong on a terminal.", nextStep: "keyturn backup keyturn.backup")
        }
        try await context.daemon.backUp { piece in
            guard DraftFile.write(piece.span.bytes, to: STDOUT_FILENO) else {
                throw Failure.failed("Standard output can't be written: \(String(cString: strerror(errno))).")
            }
        }
        return .done
    }
}

struct BackupVerifyCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check a backup; needs no daemon.",
        discussion: """
            Without a key only its structure and its checksum: that it is whole and as it was written. With one of the vault's unlock keys \
            every record is opened, and it is certain that the vault itself made it.
            Exit status: 1 if it is not whole, not genuine, or does not open.
            """)

    @Argument(help: ArgumentHelp("The backup.", valueName: "file")) var file: String
    @OptionGroup var unlocking: UnlockOptions
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let report: BackupReport
        do {
            let backup = try BackupFile(path: file)
            let opened = try unlocking.open(backup)
            if let opened { try backup.requireGenuine(in: opened) }
            report = BackupReport(backup, named: file, checked: opened == nil ? .contents : .everyRecord)
        } catch let error as BackupError {
            throw Failure.failed(error.detail, nextStep: error.nextStep)
        } catch let error as VaultError {
            throw Failure.backup(file, error)
        }
        context.console.show(report) {
            var sheet = Sheet()
            sheet.add("made at", report.madeAt)
            sheet.add("machine", Styled(report.machine))
            sheet.add("records", "\(report.records)")
            sheet.add("configs", "\(report.configs)")
            switch report.checked {
            case .contents:
                sheet.add("checked", "structure and checksum alone: it is whole, but whether it opens was not tried")
            case .everyRecord: sheet.add("checked", "every record opens, and the vault itself made it")
            }
            context.console.sheet(sheet)
            if report.checked == .contents { context.console.hint("keyturn help backup verify") }
        }
        return .done
    }
}

/// What `--json` shows of a backup.
struct BackupReport: Encodable {
    let file: String
    let madeAt: String
    let machine: String?
    let records: Int
    let configs: Int
    let checked: Extent

    enum Extent: String, Encodable {
        case contents
        case everyRecord = "every-record"
    }

    enum CodingKeys: String, CodingKey {
        case file, machine, records, configs, checked
        case madeAt = "made_at"
    }

    init(_ backup: BackupFile, named file: String, checked: Extent) {
        self.file = file
        madeAt = "\(backup.head.madeAt)"
        machine = backup.head.machine
        records = backup.summary.records
        configs = backup.summary.configs
        self.checked = checked
    }
}

extension Failure {
    /// A backup that does not open: the advice for a vault is not the advice for a backup.
    static func backup(_ file: String, _ error: VaultError) -> Failure {
        switch error {
        case .wrongKey:
            .failed(
                "The key or passphrase does not open the backup \(file). Give one that the vault had when the backup was made: its unlock key, a recovery key or a passphrase."
            )
        case .noKey:
            .failed("\(error.detail) Give the unlock key that the vault had by --key-file, or use --recovery or --passphrase.")
        case .damaged: .failed("The backup \(file) does not open whole: \(error.detail)", nextStep: BackupError.forged(path: file).nextStep)
        default: .vault(error)
        }
    }
}
