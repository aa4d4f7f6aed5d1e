import ArgumentParser
import FoundationEssentials
import Model
import Secrets
import Vault

/// With what a vault, or a backup of one, is opened without the daemon.
struct UnlockOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The file with the vault's unlock key.", valueName: "file")) var keyFile: String?
    @Option(help: ArgumentHelp("The file with the recovery key.", valueName: "file")) var recovery: String?

    func validate() throws {
        if keyFile != nil, recovery != nil { throw ValidationError("--key-file and --recovery exclude each other.") }
    }

    /// `nil` when none was given.
    func open(_ engine: any Engine) throws -> OpenVault? {
        guard let path = keyFile ?? recovery else { return nil }
        return try OpenVault.open(engine, unlockKey: KeyFile.read(path, systemdCredential: false), at: Timestamp(Date()), random: SystemRandom())
    }
}
