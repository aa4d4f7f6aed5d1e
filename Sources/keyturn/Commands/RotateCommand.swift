import ArgumentParser
import KeyturnClient
import KeyturnWire

struct RotateCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Make the next staged key the current one, and prove that the backend took it.",
        discussion: """
            Waits until the rotation has ended, is stuck, or pauses before its next try. Joins one that is running.

            Examples:
              keyturn rotate openai-prod --reason 'someone left'
              keyturn rotate openai-prod --if-due  exit status 5 if it is not due
              keyturn rotate --all-due             every config that is due
            """)

    @Argument(help: "Name of the config.", completion: .configs) var name: String?
    @Flag(help: "Rotate every config that is due.") var allDue = false
    @Flag(help: "Only if it is due now.") var ifDue = false
    @Flag(help: "The current key is burnt: no grace, and it is never put back by itself.") var compromised = false
    @Flag(help: "Only say what would happen.") var dryRun = false
    @OptionGroup var rotation: RotationFlags
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        guard let name else {
            guard allDue else { throw Failure.usage("Say which config to rotate, or --all-due.") }
            guard !compromised, !dryRun, rotation.idempotencyKey == nil else {
                throw Failure.usage("--compromised, --dry-run and --idempotency-key are for one config, not for --all-due.")
            }
            return try await AllDue(context: context, reason: rotation.reason, waiting: rotation.noWait ? .no : .untilDone).run()
        }
        guard !allDue else { throw Failure.usage("--all-due takes no name.") }
        let body = Rotate(
            ifDue: ifDue ? true : nil, reason: rotation.reason, compromised: compromised ? true : nil, dryRun: dryRun ? true : nil)
        return try await context.start(.rotate, of: Checked.config(name), body, rotation)
    }
}

struct RollbackCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Put the newest previous key back, as a new version.",
        discussion: "Works as long as the previous key is in its grace: see 'keyturn versions'.")

    @Argument(help: "Name of the config.", completion: .configs) var name: String
    @OptionGroup var rotation: RotationFlags
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        try await context.start(.rollback, of: Checked.config(name), Rotate(reason: rotation.reason), rotation)
    }
}

struct ProveCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove", abstract: "Let the backend try its current key. Changes nothing.",
        discussion: "It sees a broken key, not which one is stored.")

    @Argument(help: "Name of the config.", completion: .configs) var name: String
    @OptionGroup var rotation: RotationFlags
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        try await context.start(.prove, of: Checked.config(name), Rotate(reason: rotation.reason), rotation)
    }
}
