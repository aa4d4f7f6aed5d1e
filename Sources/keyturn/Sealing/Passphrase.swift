import Secrets
import Vault

/// Passphrases as people type them.
enum Passphrase {
    /// Shorter ones are guessed from a copied disk, however slow each guess is.
    private static let charactersMin = 10

    static func existing(stdin: Bool) throws(Failure) -> Secret {
        try SecretLine.read(source(stdin: stdin, prompt: "Passphrase").read())
    }

    /// On a terminal it is typed twice.
    static func new(stdin: Bool) throws(Failure) -> Secret {
        let source = source(stdin: stdin, prompt: "New passphrase")
        let passphrase = try SecretLine.read(source.read())
        guard passphrase.count >= charactersMin else {
            throw .usage("The passphrase has fewer than \(charactersMin) characters: take several words.")
        }
        if case .prompt = source {
            guard try SecretLine.read(SecretPrompt.read("The same again")).matches(passphrase) else {
                throw .usage("The two passphrases are not the same.")
            }
        }
        return passphrase
    }

    static func slotSecret(_ passphrase: borrowing Secret, salt: [UInt8]) throws(Failure) -> SlotSecret {
        guard let secret = SlotSecret(passphrase: passphrase, salt: salt) else {
            throw .failed("There is not enough memory for a passphrase: it takes 256 MiB.")
        }
        return secret
    }

    private static func source(stdin: Bool, prompt: String) -> SecretSource {
        stdin ? .standardInput(prompt: prompt) : .prompt(prompt)
    }
}
