import ArgumentParser
import FoundationEssentials
import KeyturnWire
import Model
import SQLiteEngine
import Secrets
import Vault

struct InitCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make a new vault, and the key file that unlocks it.",
        discussion: """
            Needs no daemon and overwrites nothing: an existing key file is used as it is, an existing vault is refused.
            As root, for a daemon of another user: make the empty folder for that user first; the new files get its owner.
            """)

    @Option(help: ArgumentHelp("Where the vault shall be: a new or an empty folder.", valueName: "dir"))
    var vault: String

    @Option(
        help: ArgumentHelp("The unlock key: exactly 32 random bytes. Default: the vault's name with '.key' after it.", valueName: "file"))
    var keyFile: String?

    @Option(
        help: ArgumentHelp(
            "A public recovery key, as 'keyturn recovery-key' prints it: its other half can open the vault too.", valueName: "public-key"))
    var recovery: String?

    @Flag(help: "No key file: the vault opens with a passphrase, and after each start of the daemon somebody must unseal it.")
    var passphrase = false

    @Flag(help: "Read the passphrase from standard input.") var stdin = false

    @OptionGroup(title: "Global options") var flags: GlobalFlags

    struct Made: Encodable {
        let vault: String
        @Nullable var keyFile: String?
        let recovery: Bool

        enum CodingKeys: String, CodingKey {
            case vault, recovery
            case keyFile = "key_file"
        }
    }

    func perform(_ context: Context) async throws -> CommandExit {
        let folder = VaultFolder(path: try Checked.absolute(vault, of: "--vault"))
        guard !stdin || passphrase else { throw Failure.usage("--stdin needs --passphrase.") }
        guard !passphrase || keyFile == nil else { throw Failure.usage("--passphrase and --key-file exclude each other.") }
        let keyPath = passphrase ? nil : try keyFile.map { try Checked.absolute($0, of: "--key-file") } ?? folder.defaultKeyFile
        let recoveryKey = try recovery.map { (text) throws(Failure) in try BoxPublicKey(base64: text, of: "--recovery") }
        do {
            try folder.requireFree()
            if let keyPath { try make(folder, keyFile: keyPath, recoveryKey) } else { try makeWithPassphrase(folder, recoveryKey) }
        } catch let error as VaultError {
            throw Failure.vault(error)
        }
        context.console.show(Made(vault: folder.path, keyFile: keyPath, recovery: recoveryKey != nil)) {
            tell(folder, keyFile: keyPath, hasRecovery: recoveryKey != nil, context.console)
        }
        return .done
    }

    private func make(_ folder: VaultFolder, keyFile: String, _ recovery: BoxPublicKey?) throws {
        let random = SystemRandom()
        let secret = SlotSecret(unlockKey: try KeyFile.readOrCreate(keyFile, random: random))
        folder.giveToOwner(keyFile)
        try Self.fill(folder, recovery) { vaultKey, time in
            SlotEntry.owned(.credential, by: secret, name: nil, vaultKey: vaultKey, at: time, random: random)
        }
    }

    private func makeWithPassphrase(_ folder: VaultFolder, _ recovery: BoxPublicKey?) throws {
        let random = SystemRandom()
        let salt = random.bytes(PassphraseHash.saltBytes)
        let secret = try Passphrase.slotSecret(Passphrase.new(stdin: stdin), salt: salt)
        try Self.fill(folder, recovery) { vaultKey, time in
            SlotEntry.owned(.passphrase, by: secret, salt: salt, name: nil, vaultKey: vaultKey, at: time, random: random)
        }
    }

    private static func fill(
        _ folder: VaultFolder, _ recovery: BoxPublicKey?, _ slot: (_ vaultKey: BoxPublicKey, _ now: Timestamp) -> SlotEntry
    ) throws(VaultError) {
        let (random, now) = (SystemRandom(), Timestamp(Date()))
        try folder.create { (engine) throws(VaultError) in
            try OpenVault.create(in: engine, owner: machineID(), at: now, random: random) { (vaultKey) throws(VaultError) in
                [slot(vaultKey, now)] + (recovery.map { [SlotEntry.recipient($0, name: nil, at: now, random: random)] } ?? [])
            }
        }
    }

    private func tell(_ folder: VaultFolder, keyFile: String?, hasRecovery: Bool, _ console: Console) {
        console.done("Made the vault \(folder.path).")
        if let keyFile {
            console.done("Its unlock key is \(keyFile): who has it and the vault can read everything. Keep it off backups of the vault.")
        } else {
            console.done("It opens with its passphrase alone: keyturn unseal --passphrase, after each start of the daemon.")
        }
        if !hasRecovery {
            let it = keyFile == nil ? "passphrase" : "unlock key"
            console.done("There is no recovery key: if the \(it) is lost, so is the vault. Keep a copy of it on paper or in a safe,")
            console.done("or make the vault with --recovery PUBLIC_KEY from: keyturn recovery-key FILE")
        }
        console.hint(PastedCommand.daemon(of: folder.path, keyFile: keyFile == folder.defaultKeyFile ? nil : keyFile))
    }

    /// Which host's vault it is; a copy on another one shall be noticed.
    private static func machineID() -> String? {
        (try? LocalFile.read("/etc/machine-id")).map { String(decoding: $0, as: UTF8.self).filter(\.isHexDigit) }
    }
}

struct RecoveryKeyCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "recovery-key", abstract: "Make a key pair for recovery: the file opens the vault when its unlock key is lost.",
        discussion: """
            Prints the public half, for: keyturn init --recovery PUBLIC_KEY
            Keep the file away from the host. To recover: keyturn unseal --recovery FILE
            """)

    @Argument(help: ArgumentHelp("Where the secret half goes; never overwritten.", valueName: "file")) var file: String
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    struct Made: Encodable {
        let file: String
        let publicKey: String

        enum CodingKeys: String, CodingKey {
            case file
            case publicKey = "public_key"
        }
    }

    func perform(_ context: Context) async throws -> CommandExit {
        do throws(VaultError) {
            try KeyFile.create(file, random: SystemRandom())
            let pair = BoxKeyPair(secretKey: try KeyFile.read(file, systemdCredential: false))
            let publicKey = Data(pair.publicKey.bytes).base64EncodedString()
            context.console.show(Made(file: file, publicKey: publicKey)) { context.console.line(Styled(publicKey)) }
        } catch {
            throw Failure.vault(error)
        }
        return .done
    }
}
