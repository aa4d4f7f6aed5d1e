import ArgumentParser
import KeyturnClient
import KeyturnWire

struct RemoteCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "remote", abstract: "Change the non-secret fields of the configuration at the backend.",
        discussion: "Example: keyturn remote openai-prod --endpoint https://api.openai.com/v1")

    @Argument(help: "Name of the config.", completion: .configs) var config: String
    @Option(help: ArgumentHelp("Its name at the backend.", valueName: "text")) var name: String?
    @Option(help: ArgumentHelp("The AI provider's endpoint.", valueName: "url")) var endpoint: String?
    @Option(name: .customLong("ai-type"), help: ArgumentHelp("OPENAI, GOOGLE, ANTHROPIC, AWS or OTHER.", valueName: "type")) var aiType:
        String?
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let config = try Checked.config(config)
        let aiType = try aiType.map { text throws(Failure) in try Checked.aiType(text) }
        guard name != nil || endpoint != nil || aiType != nil else {
            throw Failure.usage("Say what to change: --name, --endpoint or --ai-type.")
        }
        let body = PatchRemote(name: name, endpoint: endpoint, aiType: aiType)
        return try await context.follow("Changing \(config)") { () throws(ClientError) in
            try await context.daemon.patchRemote(config, body)
        }
    }
}

struct ResolveCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "resolve", abstract: "Decide how a stuck rotation goes on.",
        usage: "keyturn resolve <rotation> (--retry | --applied | --not-applied) [--socket <path>] [--json] [--quiet]",
        discussion: """
            What is said here is never just believed: a key is put again and tried, and what came of it is shown.
              --retry         the new key, as at first: it goes back if it does not work, and may be stuck again
              --applied       the new key, for a minute at the most: whatever comes of it, it is current then, and the rotation over
              --not-applied   the key before it
            No key is erased by any of them before a later one is proven.
            """)

    @Argument(help: "Id of the rotation.") var rotation: String
    @Flag(help: "The way on.") var how: How
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    enum How: String, EnumerableFlag {
        case retry, applied
        case notApplied = "not-applied"

        static func name(for value: How) -> NameSpecification { .customLong(value.rawValue) }

        static func help(for value: How) -> ArgumentHelp? {
            switch value {
            case .retry: "Try the new key again."
            case .applied: "Put the new key again, and keep it whatever comes: the backend has it, as far as you know."
            case .notApplied: "Put the old key again: the backend does not have the new one, as far as you know."
            }
        }
    }

    func perform(_ context: Context) async throws -> CommandExit {
        let id = try Checked.rotation(rotation)
        let body = Resolve(how: how.rawValue)
        return try await context.follow("Resolving \(id)") { () throws(ClientError) in try await context.daemon.resolve(id, body) }
    }
}

struct CancelCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Stop a rotation as long as the backend can have stored nothing of it.",
        discussion:
            "While a PUT is out, and after one that may have been stored, it is refused: only the same key again brings certainty then.")

    @Argument(help: "Id of the rotation.") var rotation: String
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let rotation = try await context.daemon.cancel(Checked.rotation(rotation)).body
        context.console.show(rotation) { context.console.done(Styled(rotation.outcome)) }
        return rotation.state == "cancelled" ? .done : .failed
    }
}

extension Context {
    /// Waits for a rotation that was started by something else than `rotate`.
    fileprivate func follow(
        _ what: String, _ work: @escaping @Sendable () async throws(ClientError) -> Reply<Rotation>
    ) async throws -> CommandExit {
        do {
            let rotation = try await Progress.during(what, on: console) { try await work().body }
            return RotationReport(console: console).show(rotation)
        } catch let error as ClientError {
            return try RotationReport(console: console).show(error)
        }
    }
}
