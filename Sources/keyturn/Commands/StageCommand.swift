import ArgumentParser
import KeyturnClient
import KeyturnWire

struct StageCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "stage", abstract: "Give the vault a config's next key.",
        discussion: """
            Without a flag it asks, without echo. A line is the key. JSON says more:
              {"key": "…", "secret": "…"}     AWS: access key id, secret access key
              {"key": "…", "endpoint": "…"}   also name, aiType: what changes with it
            The key is sealed in this process; not even the daemon's HTTP layer sees it.

            Examples:
              pass show openai/next | keyturn stage openai-prod --stdin
              keyturn stage openai-prod --file new-key.json
              keyturn stage openai-prod --as-current    the backend's key of today
            """)

    @Argument(help: "Name of the config.", completion: .configs) var name: String
    @Flag(help: "Read it from standard input.") var stdin = false
    @Option(help: ArgumentHelp("Read it from a file; - is standard input.", valueName: "file"), completion: .file()) var file: String?
    @Option(
        help: ArgumentHelp("Take a box from 'keyturn encrypt --for NAME'; - is standard input.", valueName: "file"), completion: .file())
    var sealed: String?
    @Flag(help: "It is what the backend holds already: adopt it, put nothing.") var asCurrent = false
    @Option(help: ArgumentHelp("Seal to this intake key only.", valueName: "key")) var intakeKey: String?
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let name = try Checked.config(name)
        let value = try await sealedValue(for: name, context)
        let body = StageVersion(encryptedValue: value.encryptedValue, keyID: value.keyID, asCurrent: asCurrent ? true : nil)
        let version = try await context.daemon.stage(name, body).body
        context.console.show(version) {
            context.console.done("\(name): version \(version.version) is \(version.state).")
            if version.state == "staged" { context.console.hint("keyturn rotate \(name)") }
        }
        return .done
    }

    private func sealedValue(for name: String, _ context: Context) async throws -> SealedValue {
        if let sealed {
            guard !stdin, file == nil else { throw Failure.usage("--sealed excludes --stdin and --file.") }
            return try context.sealedValue(file: sealed)
        }
        let source = try SecretSource.chosen(stdin: stdin, file: file, prompt: "Next key of \(name)")
        // The key first: nobody types a secret only to hear that the daemon is down.
        let key = try await context.intakeKey(pin: intakeKey)
        return try Envelope(purpose: .stage, target: name).seal(StagedCredential.read(try source.read()), to: key)
    }
}
