import ArgumentParser
import FoundationEssentials
import KeyturnClient
import KeyturnWire
import Model
import Secrets
import Vault

struct SlotCommand: GroupOfCommands {
    static let configuration = CommandConfiguration(
        commandName: "slot", abstract: "The ways into the vault: key file, passphrases, recovery keys.",
        subcommands: [SlotListCommand.self, SlotAddCommand.self, SlotRemoveCommand.self])

    @OptionGroup(title: "Global options") var flags: GlobalFlags
}

struct SlotListCommand: DaemonCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the ways into the vault, also while it is sealed.")

    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let slots = try await context.daemon.slots().body
        context.console.show(slots) {
            context.console.table(
                Table(
                    "ID", "KIND", "NAME", "CREATED",
                    rows: slots.items.map { ["\($0.id)", "\($0.kind)", Styled($0.name), "\($0.createdAt)"] }))
        }
        return .done
    }
}

struct SlotAddCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add a way into the vault.",
        discussion: """
            A passphrase and a key file stay in this process; the daemon gets a public key.

            Examples:
              keyturn slot add --passphrase --name "the one in the safe"
              keyturn slot add --recipient "$(keyturn recovery-key recovery.key)"
              keyturn slot add --key-file second.key      made if it is not there
              keyturn slot add --systemd-credential       as root: a new unlock key for keyturnd.service, stored as 'keyturn init' does
            """)

    @Flag(help: "A passphrase.") var passphrase = false
    @Flag(help: "Read the passphrase from standard input.") var stdin = false
    @Option(help: ArgumentHelp("A public recovery key, from 'keyturn recovery-key'.", valueName: "public-key")) var recipient: String?
    @Option(help: ArgumentHelp("A key file: 32 random bytes.", valueName: "file"), completion: .file()) var keyFile: String?
    @Flag(help: "A new key, stored only as the credential /etc/credstore.encrypted/keyturn.key, by systemd-creds.") var systemdCredential =
        false
    @OptionGroup var binding: CredentialBinding
    @Option(help: ArgumentHelp("What you call it.", valueName: "text")) var name: String?
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let slot = try await systemdCredential ? addCredential(context) : context.daemon.addSlot(wanted(context)).body
        context.console.show(slot) { context.console.done("The slot \(slot.id) (\(slot.kind)) opens the vault now.") }
        return .done
    }

    /// As with `init`, the credential comes first: a slot whose key is lost would look like a way in.
    private func addCredential(_ context: Context) async throws -> KeyturnWire.Slot {
        guard !passphrase, !stdin, recipient == nil, keyFile == nil else { throw Failure.usage("--systemd-credential stands alone.") }
        let credential = try binding.credential(in: context.environment)
        try credential.requireFree()
        let vaultKey = try await vaultKey(context)
        let key = Secret(random: KeyFile.byteCount, from: SystemRandom())
        try await credential.store(key)
        let slot = owned(.credential, by: SlotSecret(unlockKey: key), vaultKey)
        do throws(ClientError) { return try await context.daemon.addSlot(slot).body } catch {
            // Where the daemon may have added it all the same, the key stays with its slot.
            if case .problem = error { credential.remove() }
            throw error
        }
    }

    private func wanted(_ context: Context) async throws -> AddSlot {
        guard !stdin || passphrase else { throw Failure.usage("--stdin needs --passphrase.") }
        guard binding.withKey == nil else { throw Failure.usage("--with-key needs --systemd-credential.") }
        switch (passphrase, recipient, keyFile) {
        case (true, nil, nil):
            // The vault's key first: nobody types a passphrase only to hear that the daemon is down.
            let vaultKey = try await vaultKey(context)
            let salt = SystemRandom().bytes(PassphraseHash.saltBytes)
            let secret = try Passphrase.slotSecret(Passphrase.new(stdin: stdin), salt: salt)
            return owned(.passphrase, by: secret, salt: salt, vaultKey)
        case (false, let text?, nil):
            let key = try BoxPublicKey(base64: text, .recovery, of: "--recipient")
            return AddSlot(kind: SlotEntry.Kind.recipient.rawValue, name: name, publicKey: Self.base64(key.bytes))
        case (false, nil, let file?):
            let vaultKey = try await vaultKey(context)
            do throws(VaultError) {
                return owned(.credential, by: SlotSecret(unlockKey: try KeyFile.readOrCreate(file, random: SystemRandom())), vaultKey)
            } catch {
                throw Failure.vault(error)
            }
        default: throw Failure.usage("Give one of --passphrase, --recipient, --key-file and --systemd-credential.")
        }
    }

    private func owned(
        _ kind: SlotEntry.Kind, by secret: borrowing SlotSecret, salt: [UInt8]? = nil, _ vaultKey: BoxPublicKey
    ) -> AddSlot {
        AddSlot(
            kind: kind.rawValue, name: name, publicKey: Self.base64(secret.pair.publicKey.bytes), salt: salt.map(Self.base64),
            attestation: Self.base64(secret.attestation(of: vaultKey)))
    }

    private func vaultKey(_ context: Context) async throws -> BoxPublicKey {
        guard let slot = try await context.daemon.slots().body.items.first,
            let key = Data(base64Encoded: slot.vaultKey).flatMap({ BoxPublicKey(bytes: Array($0)) })
        else { throw ClientError.garbage("the vault has no key") }
        return key
    }

    private static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
}

struct SlotRemoveCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove a way into the vault.",
        discussion: """
            The vault's root key is replaced in the same step ('keyturn rekey'), so that whoever has the removed key or passphrase and an old \
            copy of the vault can't open today's. The last slot stays.
            """)

    @Argument(help: "Which one, as 'keyturn slot list' shows it.") var id: String
    @Flag(help: "Don't ask.") var yes = false
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        try Confirmation.ask("Remove the slot \(SafeText.line(id))?", yes: yes)
        let removal = try await context.daemon.removeSlot(id).body
        context.console.show(removal) {
            context.console.done("The slot \(id) opens nothing any more, and the vault has a new root key.")
            for warning in removal.warnings { context.console.note("\(warning)") }
        }
        return .done
    }
}
