import ArgumentParser
import Glibc
import KeyturnWire
import Model
import Secrets

struct EncryptCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "encrypt", abstract: "Seal a secret for a vault, on any machine and without its daemon.",
        usage:
            "keyturn encrypt --to <intake-key> (--for <config> | --for-upstream <name> [--refresh-token]) [--stdin | --file <file>] [--expires <duration>] [--socket <path>] [--json] [--quiet]",
        discussion: """
            Prints one line of JSON that only the vault can open, only for the config or upstream that it was made for, and only once.

            Examples:
              keyturn encrypt --to KEY --for openai-prod --file key.txt > box.json
              keyturn stage openai-prod --sealed box.json      (on the vault's host)
            """)

    @Option(help: ArgumentHelp("The vault's intake key, as 'keyturn intake-key' prints it.", valueName: "intake-key")) var to: String
    @Option(name: .customLong("for"), help: ArgumentHelp("The config whose next key it is.", valueName: "config"), completion: .configs)
    var config: String?
    @Option(
        name: .customLong("for-upstream"), help: ArgumentHelp("The upstream whose bearer token it is.", valueName: "name"),
        completion: .upstreams)
    var upstream: String?
    @Flag(help: "The token is a refresh token.") var refreshToken = false
    @Flag(help: "Read the secret from standard input.") var stdin = false
    @Option(help: ArgumentHelp("Read the secret from a file; - is standard input.", valueName: "file"), completion: .file()) var file:
        String?
    @Option(help: ArgumentHelp("The vault refuses it after this time.", valueName: "duration")) var expires: String?
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let key = try BoxPublicKey(base64: to, .intake, of: "--to")
        let expiresAt = try expires.map { text throws(Failure) in Timestamp.now + .seconds(try Checked.seconds(text, of: "--expires")) }
        // Always JSON: it is a file for another command.
        context.console.json(try sealed(to: key, expiresAt: expiresAt))
        return .done
    }

    private func sealed(to key: BoxPublicKey, expiresAt: Timestamp?) throws(Failure) -> SealedValue {
        switch (config, upstream) {
        case (.some(let config), nil):
            guard !refreshToken else { throw .usage("--refresh-token goes with --for-upstream.") }
            let envelope = Envelope(purpose: .stage, target: try Checked.config(config), expiresAt: expiresAt)
            return try envelope.seal(StagedCredential.read(try source("Next key of \(config)").read()), to: key)
        case (nil, .some(let upstream)):
            let envelope = Envelope(
                purpose: .upstreamToken, target: try Checked.upstream(upstream, as: "--for-upstream"), expiresAt: expiresAt)
            let token = try BearerToken(refreshToken ? .refresh : .access, try source("Token of \(upstream)").read())
            return try envelope.seal(token, to: key)
        case (nil, nil), (.some, .some): throw .usage("Say what it is for: one of --for and --for-upstream.")
        }
    }

    private func source(_ prompt: String) throws(Failure) -> SecretSource {
        // A filter by nature: without a flag it asks a person and reads a pipe.
        let isPiped = !stdin && file == nil && !SecretSource.isTerminal(STDIN_FILENO)
        return try SecretSource.chosen(stdin: stdin || isPiped, file: file, prompt: prompt)
    }
}
