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

    @OptionGroup(title: "Global options") var flags: GlobalFlags

    struct Made: Encodable {
        let vault: String
        let keyFile: String
        let recovery: Bool

        enum CodingKeys: String, CodingKey {
            case vault, recovery
            case keyFile = "key_file"
        }
    }

    func perform(_ context: Context) async throws -> CommandExit {
        let folder = VaultFolder(path: try Self.absolute(vault, "--vault"))
        let keyPath = try keyFile.map { try Self.absolute($0, "--key-file") } ?? folder.defaultKeyFile
        let recoveryKey = try recovery.map { (text) throws(Failure) in try BoxPublicKey(base64: text, of: "--recovery") }
        do throws(VaultError) {
            try folder.requireFree()
            let random = SystemRandom()
            let unlockKey = try KeyFile.readOrCreate(keyPath, random: random)
            folder.giveToOwner(keyPath)
            try folder.create { (engine) throws(VaultError) in
                try OpenVault.create(
                    in: engine, unlockKey: unlockKey, recovery: recoveryKey, owner: Self.machineID(), at: Timestamp(Date()), random: random)
            }
        } catch {
            throw Failure.failed(error.detail, nextStep: error.nextStep)
        }
        context.console.show(Made(vault: folder.path, keyFile: keyPath, recovery: recoveryKey != nil)) {
            context.console.done("Made the vault \(folder.path).")
            context.console.done(
                "Its unlock key is \(keyPath): who has it and the vault can read everything. Keep it off backups of the vault.")
            if recoveryKey == nil {
                context.console.done(
                    "There is no recovery key: if the unlock key is lost, so is the vault. Keep a copy of it on paper or in a safe,")
                context.console.done("or make the vault with --recovery PUBLIC_KEY from: keyturn recovery-key FILE")
            }
            let key = keyPath == folder.defaultKeyFile ? "" : " --key-file \(keyPath)"
            context.console.hint("keyturnd --vault \(folder.path)\(key) --socket \(folder.path).sock")
        }
        return .done
    }

    private static func absolute(_ path: String, _ option: String) throws(Failure) -> String {
        guard !path.isEmpty else { throw .usage("\(option) must not be empty.") }
        let whole = path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
        return whole.count > 1 && whole.hasSuffix("/") ? String(whole.dropLast()) : whole
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
            Keep the file away from the host. To recover, give it in place of the unlock key: keyturnd --key-file FILE
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
            throw Failure.failed(error.detail, nextStep: error.nextStep)
        }
        return .done
    }
}
