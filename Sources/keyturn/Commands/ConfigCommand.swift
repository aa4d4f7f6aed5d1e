import ArgumentParser
import KeyturnClient
import KeyturnWire

struct ConfigCommand: GroupOfCommands {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "What is rotated: each config is one AI configuration at one upstream.",
        subcommands: [
            ConfigSetCommand.self, ConfigListCommand.self, ConfigShowCommand.self, ConfigRemoveCommand.self, ConfigUndeleteCommand.self,
        ])

    @OptionGroup(title: "Global options") var flags: GlobalFlags
}

struct ConfigListCommand: DaemonCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List all configs that you may see.")

    @Option(
        help: ArgumentHelp("Only those in this state: running, waiting, stuck, failed, paused, overdue, due or ok.", valueName: "state"))
    var state: String?
    @Flag(help: "Only those that are due now.") var due = false
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let filter = ConfigFilter(state: try state.map { text throws(Failure) in try Checked.state(text) }, isDue: due)
        let configs = try await context.all { after throws(ClientError) in try await context.daemon.configs(filter, after: after) }
        context.console.show(Page(items: configs, next: nil)) { describe(configs, on: context.console) }
        return .done
    }

    private func describe(_ configs: [Config], on console: Console) {
        guard !configs.isEmpty else {
            guard state == nil, !due else { return console.note("No config is in that state.") }
            console.note("There is no config yet, or none that you may see.")
            return console.hint("keyturn config set NAME --upstream NAME --id REMOTE_ID --ai-type TYPE")
        }
        console.table(
            Table(
                "NAME", "UPSTREAM", "TYPE", "STATE", "CURRENT", "STAGED", "DUE",
                rows: configs.map { config in
                    let current = config.versions.first { $0.state == "current" }
                    return [
                        "\(config.name)", "\(config.upstream)", "\(config.aiType)", .state(config.state),
                        Styled(current.map { "v\($0.version)" }),
                        "\(config.stagedVersions)", Styled(config.dueAt),
                    ]
                }))
    }
}

struct ConfigShowCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one config; never a secret, nor a part or hash of one.")

    @Argument(help: "Name of the config.", completion: .configs) var name: String
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let config = try await context.daemon.config(Checked.config(name)).body
        context.console.show(config) { context.console.sheet(config.sheet(context.console.pasted)) }
        return .done
    }
}

struct ConfigRemoveCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove a config.",
        discussion: "Its record is kept for 30 days: 'keyturn config undelete' brings it back.")

    @Argument(help: "Name of the config.", completion: .configs) var name: String
    @Flag(help: "Erase its record and its keys at once; the one way to lose what the backend holds.") var purge = false
    @Flag(help: "Don't ask.") var yes = false
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let name = try Checked.config(name)
        let question = purge ? "Erase the config \(name) and its keys for good?" : "Remove the config \(name)?"
        try Confirmation.ask("\(question) The backend keeps its current key.", yes: yes)
        try await context.daemon.removeConfig(name, purge ? .purged : .recoverable)
        context.console.show(Removed(name: name)) {
            context.console.done(
                purge
                    ? "Config \(name) is erased." : "Config \(name) removed; for 30 days 'keyturn config undelete \(name)' brings it back.")
        }
        return .done
    }
}

struct ConfigUndeleteCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "undelete", abstract: "Bring back a config that was removed in the last 30 days.")

    @Argument(help: "Name of the config.") var name: String
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let name = try Checked.config(name)
        let config = try await context.daemon.undeleteConfig(name).body
        try await context.show(config, named: name) { "Config \(name) is back." }
        return .done
    }
}

extension Context {
    /// The config after a change; asked for where the answer came without it.
    func show(_ config: Config?, named name: String, people: () -> Styled) async throws(ClientError) {
        guard console.isJSON else { return console.done(people()) }
        if let config { return console.json(config) }
        console.json(try await daemon.config(name).body)
    }
}
