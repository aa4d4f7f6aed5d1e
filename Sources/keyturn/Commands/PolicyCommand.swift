import ArgumentParser
import FoundationEssentials
import KeyturnClient
import KeyturnWire
import Model
import Settings

struct PolicyCommand: GroupOfCommands {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Who may do what: check a policy file, or ask the daemon why.",
        subcommands: [PolicyCheckCommand.self, PolicyExplainCommand.self])

    @OptionGroup(title: "Global options") var flags: GlobalFlags
}

struct PolicyCheckCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Read a policy file as the daemon would, and say what is wrong with it; needs no daemon.",
        discussion: "Exit status: 1 if something is. Example: keyturn policy check /etc/keyturn/policy.yaml")

    @Argument(help: ArgumentHelp("The policy file.", valueName: "file"), completion: .file(extensions: ["yaml"])) var file: String
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    struct Verdict: Encodable {
        let file: String
        let rules: Int
    }

    func perform(_ context: Context) async throws -> CommandExit {
        do {
            let rules = try PolicySources.check(file)
            try await requireReadable(context)
            context.console.show(Verdict(file: file, rules: rules)) {
                context.console.done("\(file) is fine: \(rules) rule\(rules == 1 ? "" : "s").")
            }
            return .done
        } catch let error as SettingsErrors {
            throw Failure.failed(error.description)
        }
    }

    /// A draft elsewhere is nobody's but its writer's.
    private func requireReadable(_ context: Context) async throws(Failure) {
        let path = URL(filePath: file).standardizedFileURL.path
        guard path.hasPrefix("\(SettingsSources().policyFolder)/"),
            let obstacle = await DaemonReading(environment: context.environment)?.obstacle(to: path)
        else { return }
        throw .failed(obstacle.reason, nextStep: obstacle.nextStep)
    }
}

struct PolicyExplainCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say whether a caller has a right, and by which rule.",
        discussion: """
            Without a description of a caller it is about you. Needs the right 'audit'.
            Exit status: 0 allowed, 3 not allowed.

            Examples:
              keyturn policy explain --right rotate --config openai-prod --user www-data
              keyturn policy explain --right read --config openai-prod --uid 61234 --unit keyturn-rotate.service
            """)

    @Option(help: ArgumentHelp("status, read, rotate, stage, configure, bind, audit, backup or admin.", valueName: "right")) var right:
        String
    @Option(help: ArgumentHelp("On this config; else on everything.", valueName: "name"), completion: .configs) var config: String?
    @Option(help: ArgumentHelp("The caller's uid.", valueName: "number")) var uid: UInt32?
    @Option(help: ArgumentHelp("The caller's user, instead of a uid.", valueName: "name")) var user: String?
    @Option(help: ArgumentHelp("The caller's own group; else the number of its uid.", valueName: "number")) var gid: UInt32?
    @Option(parsing: .upToNextOption, help: ArgumentHelp("The caller's supplementary groups.", valueName: "number")) var groups: [UInt32] =
        []
    @Option(help: ArgumentHelp("The caller's system unit.", valueName: "name")) var unit: String?
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let config = try config.map { (text) throws(Failure) in try Checked.config(text) }
        let answer = try await context.daemon.explainPolicy(
            right: right, config: config, uid: try callerUID(), gid: gid, groups: groups, unit: unit
        ).body
        context.console.show(answer) {
            let place = answer.rule.flatMap { rule in rule.file.map { "\($0):\(rule.line ?? 1)" } }
            var sheet = Sheet()
            sheet.add("allowed", answer.allowed ? "yes" : "no")
            sheet.add("right", "\(answer.right) on \(answer.config ?? "*")")
            sheet.add("by", Styled(answer.rule.map { rule in place.map { "\(rule.name) (\($0))" } ?? rule.name }))
            sheet.add("matching", answer.rules.isEmpty ? "no rule" : "\(answer.rules.map(\.name).joined(separator: ", "))")
            context.console.sheet(sheet)
        }
        return answer.allowed ? .done : .denied
    }

    private func callerUID() throws(Failure) -> UInt32? {
        guard let user else {
            guard uid != nil || (gid == nil && groups.isEmpty && unit == nil) else {
                throw .usage("Another caller is described by --uid or --user as well.")
            }
            return uid
        }
        guard uid == nil else { throw .usage("--uid and --user exclude each other.") }
        guard let uid = Accounts.uid(ofUser: user) else { throw .usage("There is no user of the name that --user gives.") }
        return uid
    }
}
