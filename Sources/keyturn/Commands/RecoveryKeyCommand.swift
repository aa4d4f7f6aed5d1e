import ArgumentParser
import FoundationEssentials
import Secrets
import Vault

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
