import FoundationEssentials
import KeyturnClient
import KeyturnWire
import Secrets

extension BoxPublicKey {
    /// Whose half it is; a person gets one from the command that prints it.
    enum Kind: String {
        case intake = "an intake key: 32 bytes in base64, as 'keyturn intake-key' prints it"
        case recovery = "a public recovery key: 32 bytes in base64, as 'keyturn recovery-key' prints it"
    }

    init(base64 text: String, _ kind: Kind, of argument: String) throws(Failure) {
        guard let data = Data(base64Encoded: text), let key = BoxPublicKey(bytes: Array(data)) else {
            throw .usage("\(argument) must be \(kind.rawValue).")
        }
        self = key
    }
}

extension Context {
    /// What the daemon offers. A sealed one offers a key for unsealing it alone.
    func offeredKey(for purpose: Envelope.Purpose) async throws -> IntakeKey {
        let offered = try await daemon.intakeKey().body
        guard offered.purposes.contains(purpose.rawValue) else {
            // Not everybody may ask why.
            let status = try? await daemon.status().body
            throw Failure.sealed(because: status?.sealedReason, nextStep: status?.nextStep)
        }
        return offered
    }

    /// The key that the daemon offers, from a process that may be trusted with a secret. With a pin, only if it is that one.
    func intakeKey(pin: String?) async throws -> BoxPublicKey {
        let pinned = try pin.map { text throws(Failure) in try BoxPublicKey(base64: text, .intake, of: "--intake-key") }
        let offered = try await offeredKey(for: .stage)
        guard let data = Data(base64Encoded: offered.key), let key = BoxPublicKey(bytes: Array(data)), key.id == offered.keyID else {
            throw ClientError.garbage("its intake key is not one")
        }
        guard pinned == nil || pinned == key else {
            throw Failure.failed(
                "The daemon offers another intake key than the one given with --intake-key. Nothing was sealed. Compare it with what 'keyturn intake-key' prints on the vault's own host."
            )
        }
        return key
    }

    /// A box from `keyturn encrypt`.
    func sealedValue(file: String) throws(Failure) -> SealedValue {
        let content = try LocalFile.read(file)
        do {
            return try WireJSON.decode(SealedValue.self, from: content)
        } catch {
            throw .usage("'\(file)' is not what 'keyturn encrypt' prints.")
        }
    }
}
