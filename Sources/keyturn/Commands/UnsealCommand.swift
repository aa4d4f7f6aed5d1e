import ArgumentParser
import KeyturnClient
import KeyturnWire
import Secrets
import Vault

struct UnsealCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "unseal", abstract: "Let the daemon open the vault again.",
        discussion: """
            Without a flag the daemon looks for its key again: the unit's credential keyturn.key, or the key file in its settings. Where no key \
            file opens the vault, the passphrase is asked for. A passphrase \
            or a recovery key stays in this process: it unwraps the vault's key here and hands that over in a sealed box.
            Exit status: 1 if the passphrase or recovery key is not one of the vault's, 6 if the vault stays sealed for another reason.
            """)

    @Flag(help: "Ask for the passphrase of one of the slots.") var passphrase = false
    @Flag(help: "Read the passphrase from standard input.") var stdin = false
    @Option(
        help: ArgumentHelp("Open it with a recovery key, the file that 'keyturn recovery-key' made.", valueName: "file"),
        completion: .file())
    var recovery: String?
    @Flag(
        help: ArgumentHelp(
            "Open it although it may be an older copy. It is then in quarantine: nothing goes out, since its keys may be dead ones."))
    var acceptOlder = false

    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let wanted = Unseal(acceptOlder: acceptOlder ? true : nil, box: try await box(context))
        let state: SealState
        do { state = try await context.daemon.unseal(wanted).body } catch {
            throw wanted.encryptedValue == nil ? await context.insteadOfKeyFile(error, Self.passphraseStep(acceptOlder)) : error
        }
        context.console.show(state) { context.console.done(state.sealed ? "The vault is still sealed." : "The vault is unsealed.") }
        return state.sealed ? .sealed : .done
    }

    private static func passphraseStep(_ acceptsOlder: Bool) -> String {
        "keyturn unseal --passphrase" + (acceptsOlder ? " --accept-older" : "")
    }

    private func box(_ context: Context) async throws -> SealedValue? {
        guard !stdin || passphrase else { throw Failure.usage("--stdin needs --passphrase.") }
        guard let recovery else {
            let asks = passphrase ? true : try await context.opensWithPassphraseOnly(Self.passphraseStep(acceptOlder))
            return asks ? try await context.passphraseBox(stdin: stdin) : nil
        }
        guard !passphrase else { throw Failure.usage("--passphrase and --recovery exclude each other.") }
        return try await context.recoveryBox(file: recovery)
    }
}
