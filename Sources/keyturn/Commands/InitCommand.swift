import ArgumentParser
import FoundationEssentials
import Glibc
import KeyturnWire
import Model
import SQLiteEngine
import Secrets
import Settings
import Vault

struct InitCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make a new vault, and the key that unlocks it.",
        discussion: """
            Needs no daemon and overwrites nothing: an existing key file is used as it is, an existing vault or credential is refused.
            As root, for a daemon of another user: make the empty folder for that user first; the new files get its owner.

            Examples:
              keyturn init --systemd-credential        as root, for keyturnd.service: the key is stored encrypted for this machine alone
              keyturn init --user                      for a daemon of your own under systemctl --user
              keyturn init --vault vault               for a daemon that you start by hand
            """)

    @Option(
        help: ArgumentHelp(
            "Where the vault shall be: a new or an empty folder. Default: /var/lib/keyturn for --systemd-credential, $XDG_STATE_HOME/keyturn for --user.",
            valueName: "dir"))
    var vault: String?

    @Flag(help: "For keyturnd.service: store the unlock key only as the credential /etc/credstore.encrypted/keyturn.key, by systemd-creds.")
    var systemdCredential = false

    @OptionGroup var binding: CredentialBinding

    @Flag(help: "For a daemon of your own, in your XDG folders.") var user = false

    @Option(
        help: ArgumentHelp(
            "The unlock key: exactly 32 random bytes. Default: the vault's name with '.key' after it; with --systemd-credential none.",
            valueName: "file"))
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
        @Nullable var credential: String?
        let recovery: Bool

        enum CodingKeys: String, CodingKey {
            case vault, credential, recovery
            case keyFile = "key_file"
        }
    }

    /// What opens the vault from now on.
    private enum Key {
        case file(String)
        case passphrase
        /// With a copy in a file, where one is asked for.
        case credential(SystemdCredential, copy: String?)
    }

    func perform(_ context: Context) async throws -> CommandExit {
        let folder = VaultFolder(path: try place(context.environment))
        let key = try key(for: folder, context.environment)
        let recoveryKey = try recovery.map { (text) throws(Failure) in try BoxPublicKey(base64: text, .recovery, of: "--recovery") }
        do {
            try folder.requireFree()
            if user { try Self.makeParent(of: folder.path) }
            switch key {
            case .file(let path): try make(folder, keyFile: path, recoveryKey)
            case .passphrase: try makeWithPassphrase(folder, recoveryKey)
            case .credential(let credential, let copy): try await make(folder, credential, copy: copy, recoveryKey)
            }
        } catch let error as VaultError {
            throw Failure.vault(error)
        }
        context.console.show(made(folder, key)) { tell(folder, key, context) }
        return .done
    }

    // MARK: What is asked for

    private func place(_ environment: [String: String]) throws(Failure) -> String {
        guard !(systemdCredential && user) else { throw .usage("--systemd-credential and --user exclude each other.") }
        guard !user || (vault == nil && keyFile == nil) else {
            throw .usage("--user has its own places for the vault and its key: leave --vault and --key-file out.")
        }
        // SAFETY: no arguments, can't fail.
        guard !user || geteuid() != 0 else { throw .usage("--user is not for root, whose daemon is the system's: --systemd-credential.") }
        if let vault { return try Checked.absolute(vault, of: "--vault") }
        if systemdCredential { return DaemonSettings().vault }
        guard user else { throw .usage("Say where: --vault DIR, --systemd-credential or --user.", nextStep: "keyturn help init") }
        guard let folders = UserFolders(environment: environment) else {
            throw .usage("--user needs HOME, or XDG_CONFIG_HOME and XDG_STATE_HOME.")
        }
        return folders.vault
    }

    private func key(for folder: VaultFolder, _ environment: [String: String]) throws(Failure) -> Key {
        guard !stdin || passphrase else { throw .usage("--stdin needs --passphrase.") }
        guard !passphrase || keyFile == nil else { throw .usage("--passphrase and --key-file exclude each other.") }
        guard !passphrase || !systemdCredential else { throw .usage("--passphrase and --systemd-credential exclude each other.") }
        guard systemdCredential || binding.withKey == nil else { throw .usage("--with-key needs --systemd-credential.") }
        let file = try keyFile.map { (path) throws(Failure) in try Checked.absolute(path, of: "--key-file") }
        guard systemdCredential else { return passphrase ? .passphrase : .file(file ?? folder.defaultKeyFile) }
        return .credential(try binding.credential(in: environment), copy: file)
    }

    // MARK: Making

    private func make(_ folder: VaultFolder, keyFile: String, _ recovery: BoxPublicKey?) throws {
        let secret = SlotSecret(unlockKey: try KeyFile.readOrCreate(keyFile, random: SystemRandom()))
        folder.giveToOwner(keyFile)
        try Self.fill(folder, by: secret, recovery)
    }

    /// The credential comes first, since a vault without its key is of no use. Where the vault then can't be made, it is taken away again.
    private func make(_ folder: VaultFolder, _ credential: SystemdCredential, copy: String?, _ recovery: BoxPublicKey?) async throws {
        try credential.requireFree()
        try Self.makePlace(folder)
        let key =
            try copy.map { (path) throws(VaultError) in try KeyFile.readOrCreate(path, random: SystemRandom()) }
            ?? Secret(random: KeyFile.byteCount, from: SystemRandom())
        try await credential.store(key)
        do { try Self.fill(folder, by: SlotSecret(unlockKey: key), recovery) } catch {
            credential.remove()
            throw error
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

    private static func fill(_ folder: VaultFolder, by secret: borrowing SlotSecret, _ recovery: BoxPublicKey?) throws(VaultError) {
        try fill(folder, recovery) { vaultKey, time in
            SlotEntry.owned(.credential, by: secret, name: nil, vaultKey: vaultKey, at: time, random: SystemRandom())
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

    /// Which host's vault it is; a copy on another one shall be noticed.
    private static func machineID() -> String? {
        (try? LocalFile.read("/etc/machine-id")).map { String(decoding: $0, as: UTF8.self).filter(\.isHexDigit) }
    }

    // MARK: Where it goes

    /// The user of keyturnd.service, see keyturn.sysusers.
    private static let serviceUser = "keyturn"

    /// The empty folder that lends the vault its owner, where tmpfiles has not made it.
    private static func makePlace(_ folder: VaultFolder) throws {
        if folder.owner ?? 0 == 0 {
            guard let uid = Accounts.uid(ofUser: serviceUser), let gid = Accounts.gid(ofGroup: serviceUser) else {
                throw Failure.failed(
                    "There is no user '\(serviceUser)' yet, whose the vault has to be. The package makes it, or systemd-sysusers with systemd/keyturn.sysusers in /etc/sysusers.d.",
                    nextStep: "systemctl restart systemd-sysusers.service")
            }
            try folder.makePlace(for: uid, gid)
        }
    }

    /// `$XDG_STATE_HOME` is made by whoever needs it first.
    private static func makeParent(of path: String) throws(Failure) {
        let parent = URL(filePath: path).deletingLastPathComponent().path
        do {
            try FileManager.default.createDirectory(
                atPath: parent, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw .failed("\(parent) can't be made.")
        }
    }

    // MARK: Telling

    private func made(_ folder: VaultFolder, _ key: Key) -> Made {
        switch key {
        case .file(let path): Made(vault: folder.path, keyFile: path, credential: nil, recovery: recovery != nil)
        case .passphrase: Made(vault: folder.path, keyFile: nil, credential: nil, recovery: recovery != nil)
        case .credential(_, let copy):
            Made(vault: folder.path, keyFile: copy, credential: SystemdCredential.path, recovery: recovery != nil)
        }
    }

    private func tell(_ folder: VaultFolder, _ key: Key, _ context: Context) {
        let console = context.console
        console.done("Made the vault \(folder.path).")
        switch key {
        case .file(let path):
            console.done("Its unlock key is \(path): who has it and the vault can read everything. Keep it off backups of the vault.")
            if recovery == nil { Self.warn("if the unlock key is lost, so is the vault", console) }
        case .passphrase:
            console.done("It opens with its passphrase alone: keyturn unseal --passphrase, after each start of the daemon.")
            if recovery == nil { Self.warn("if the passphrase is lost, so is the vault", console) }
        case .credential(_, let copy):
            console.done("Its unlock key is the credential \(SystemdCredential.path), which opens on this machine alone.")
            if let copy { console.done("A copy of the key is \(copy): put it away from this machine, and remove it here.") }
            if recovery == nil, copy == nil { Self.warn("when this machine dies, the vault dies with it", console) }
        }
        switch key {
        case .credential:
            console.hint(
                "systemctl enable --now keyturnd.socket keyturn-rotate.timer keyturn-backup.timer && systemctl restart keyturnd.service")
        case .file, .passphrase:
            guard !user else { return console.hint("systemctl --user enable --now keyturnd.socket keyturn-rotate.timer") }
            let keyFile: String? = if case .file(let path) = key, path != folder.defaultKeyFile { path } else { nil }
            console.hint(PastedCommand.daemon(of: folder.path, keyFile: keyFile))
        }
    }

    private static func warn(_ loss: String, _ console: Console) {
        console.done(Styled("There is no second way in: \(loss).", .warning), " Once the daemon runs, make one:")
        console.done(
            "  keyturn slot add --recipient \"$(keyturn recovery-key recovery.key)\"     and put recovery.key away from this machine")
    }
}
