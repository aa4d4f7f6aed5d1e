import ArgumentParser
import FoundationEssentials
import Model
import Secrets
import Vault

/// With what a vault, or a backup of one, is opened without the daemon.
struct UnlockOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The file with the vault's unlock key.", valueName: "file")) var keyFile: String?
    @Option(help: ArgumentHelp("The file with the recovery key.", valueName: "file")) var recovery: String?
    @Flag(help: "Ask for the vault's passphrase, or read it from a pipe.") var passphrase = false

    func validate() throws {
        let given = [keyFile != nil, recovery != nil, passphrase].count { $0 }
        if given > 1 { throw ValidationError("--key-file, --recovery and --passphrase exclude each other.") }
    }

    /// `nil` when none was given.
    func open(_ engine: any Engine) throws -> OpenVault? {
        if passphrase {
            let slots = try OpenVault.slots(in: engine).filter { $0.entry.kind == .passphrase }
            // Before anybody types one in vain.
            guard !slots.isEmpty else { throw Failure.failed("No passphrase opens the backup: its vault had none when it was made.") }
            return try Self.open(engine, slots, passphrase: Passphrase.existing(stdin: true))
        }
        guard let path = keyFile ?? recovery else { return nil }
        return try Self.open(engine, keyFile: path)
    }

    static func open(_ engine: any Engine, keyFile path: String) throws -> OpenVault {
        try OpenVault.open(engine, unlockKey: KeyFile.read(path, systemdCredential: false), at: Timestamp(Date()), random: SystemRandom())
    }

    private static func open(_ engine: any Engine, _ slots: [Slot], passphrase: borrowing Secret) throws -> OpenVault {
        for slot in slots {
            guard let salt = slot.entry.salt else { continue }
            let secret = try Passphrase.slotSecret(passphrase, salt: Array(salt))
            if let rootKey = slot.rootKey(by: secret) { return try OpenVault.open(engine, rootKey: rootKey, random: SystemRandom()) }
        }
        throw VaultError.wrongKey
    }
}
