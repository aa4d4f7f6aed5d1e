import ArgumentParser
import KeyturnWire

/// The root of the command line.
struct Keyturn: GroupOfCommands {
    static let configuration = CommandConfiguration(
        commandName: "keyturn",
        abstract: "Rotate AI provider keys that no program gets to see.",
        discussion: """
            Talks to keyturnd over its Unix socket. Secrets are typed without echo, piped or read from a file, and sealed for the \
            vault before they leave this process; no command ever shows one.

            First steps:
              keyturn init --vault DIR
              keyturn upstream set fb --base-url https://backend.example.com --token-stdin
              keyturn config set openai-prod --upstream fb --id ID --ai-type OPENAI
              keyturn stage openai-prod
              keyturn rotate openai-prod

            Exit status: 0 done, 1 failed, 2 usage, 3 denied, 4 daemon unreachable, 5 not due, 6 vault sealed.
            'keyturn check' has those of monitoring plug-ins instead: 0 OK, 1 warning, 2 critical, 3 unknown.
            Environment: KEYTURN_SOCKET, KEYTURN_FORMAT=json, NO_COLOR.
            """,
        version: Release.version,
        groupedSubcommands: [
            CommandGroup(
                name: "The vault",
                subcommands: [
                    InitCommand.self, RecoveryKeyCommand.self, StatusCommand.self, CheckCommand.self, DoctorCommand.self, SealCommand.self,
                    UnsealCommand.self,
                    SlotCommand.self,
                    RekeyCommand.self, WhoamiCommand.self, PolicyCommand.self,
                    AuditCommand.self, BackupCommand.self, RestoreCommand.self, ReleaseCommand.self,
                ]),
            CommandGroup(name: "Setting up", subcommands: [UpstreamCommand.self, ConfigCommand.self, RemoteCommand.self]),
            CommandGroup(
                name: "Credentials",
                subcommands: [StageCommand.self, VersionsCommand.self, DiscardCommand.self, EncryptCommand.self, IntakeKeyCommand.self]),
            CommandGroup(
                name: "Rotating",
                subcommands: [
                    RotateCommand.self, RollbackCommand.self, ProveCommand.self, PauseCommand.self, ResumeCommand.self,
                    ResolveCommand.self, CancelCommand.self, HistoryCommand.self, WatchCommand.self,
                ]),
            CommandGroup(name: "About", subcommands: [DemoCommand.self, VersionCommand.self]),
        ])

    @OptionGroup(title: "Global options") var flags: GlobalFlags
}

/// A command that only holds others.
protocol GroupOfCommands: ParsableCommand {}

/// A command that does something: all but the groups.
protocol DaemonCommand: ParsableCommand {
    var flags: GlobalFlags { get }

    /// Does it, prints what came of it, and says how it ended. Throws `Failure` or `ClientError`, which the caller prints.
    func perform(_ context: Context) async throws -> CommandExit
}
