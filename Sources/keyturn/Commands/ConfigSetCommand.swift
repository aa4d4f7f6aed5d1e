import ArgumentParser
import KeyturnClient
import KeyturnWire

struct ConfigSetCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Make a config, or change what is given of one.",
        discussion: """
            What is not given stays as it is. A new interval never makes a config due at once.

            Examples:
              keyturn config set openai-prod --upstream fb --id ID --ai-type OPENAI
              keyturn config set openai-prod --every 30d --grace 2d
            """)

    @Argument(help: "Name of the config: a-z, 0-9, '.', '_' and '-', up to 63 characters.", completion: .configs) var name: String
    @Option(help: ArgumentHelp("The backend; needed for a new one.", valueName: "name"), completion: .upstreams) var upstream: String?
    @Option(
        name: .customLong("id"),
        help: ArgumentHelp("Id of the AI configuration at the backend; needed for a new one.", valueName: "remote-id"))
    var remoteID: String?
    @Option(
        name: .customLong("ai-type"),
        help: ArgumentHelp("OPENAI, GOOGLE, ANTHROPIC, AWS or OTHER; needed for a new one.", valueName: "type"))
    var aiType: String?
    @Option(help: ArgumentHelp("Which field takes a lone API key: key or secret. (default: key)", valueName: "field")) var field: String?
    @Option(help: ArgumentHelp("How often to rotate, such as 30d; 'never' for by hand only. (default: never)", valueName: "duration"))
    var every: String?
    @Option(help: ArgumentHelp("How long the old key stays in the vault, 0 to 30d. (default: 24h)", valueName: "duration")) var grace:
        String?
    @Flag(inversion: .prefixedNo, help: "Whether the backend has to try each new key. (default: --prove)") var prove: Bool?
    @Option(help: ArgumentHelp("A note for people; '' for none again.", valueName: "text")) var description: String?
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let name = try Checked.config(name)
        let existing = try await context.existing { () throws(ClientError) in try await context.daemon.config(name) }
        let body = try merged(with: existing?.body)
        let config = try await context.daemon.putConfig(name, body, ifMatch: existing?.etag).body
        context.console.show(config) {
            context.console.done("Config \(name) \(existing == nil ? "made" : "changed").")
            guard config.versions.isEmpty else { return }
            context.console.note("It has no key yet. Adopt the one that the backend holds now, for a way back from the first new one:")
            context.console.hint("keyturn stage \(name) --as-current")
            context.console.note("Then, or without that, stage the next one:")
            context.console.hint("keyturn stage \(name)")
        }
        return .done
    }

    func merged(with existing: Config?) throws(Failure) -> PutConfig {
        let upstream = try upstream.map { text throws(Failure) in try Checked.upstream(text, as: "--upstream") }
        let remoteID = try remoteID.map { text throws(Failure) in try Checked.remoteID(text) }
        let aiType = try aiType.map { text throws(Failure) in try Checked.aiType(text) }
        guard let upstream = upstream ?? existing?.upstream, let remoteID = remoteID ?? existing?.remoteID,
            let aiType = aiType ?? existing?.aiType
        else {
            throw .usage("There is no config of this name yet; a new one needs --upstream, --id and --ai-type.")
        }
        var body = PutConfig(
            upstream: upstream, remoteID: remoteID, aiType: aiType, field: existing?.field, everySeconds: existing?.everySeconds,
            graceSeconds: existing?.graceSeconds, prove: existing?.prove, description: existing?.description)
        if let field { body.field = try Checked.field(field) }
        if let every { body.everySeconds = every == "never" ? nil : try Checked.seconds(every, of: "--every") }
        if let grace { body.graceSeconds = try Checked.seconds(grace, of: "--grace") }
        if let prove { body.prove = prove }
        if let description { body.description = description.isEmpty ? nil : description }
        return body
    }
}
