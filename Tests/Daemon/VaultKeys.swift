import Foundation
import Model
import Secrets
import TestProcesses
import Testing
import Vault

/// A vault's keys as bytes to look for: found as the daemon finds them, by its key file and its slots.
struct VaultKeys {
    private(set) var bytes: [String: [UInt8]] = [:]

    /// Adds those of today; others may follow with a new root key.
    mutating func add(of keyturn: Installation) async throws {
        let file = try #require(FileManager.default.contents(atPath: keyturn.keyFile))
        let unlockKey = Secret(count: file.count) { $0.copyBytes(from: file) }
        add(unlockKey, "the unlock key")
        add(unlockKey.derived(context: "slotpair"), "the slot's secret key")
        add(unlockKey.derived(context: "slotvows"), "the slot's attestation key")
        let slots = try await RawCall.send("GET", "/v1/slots", to: keyturn.socket).document["items"].items
        let slot = try #require(slots.first { $0["kind"].text == "credential" })
        let secret = SlotSecret(unlockKey: unlockKey)
        let publicKey = try #require(BoxPublicKey(bytes: try Self.bytes(slot["public_key"])))
        let entry = SlotEntry(
            id: slot["id"].text ?? "", kind: .credential, name: nil, at: Timestamp(Date()), publicKey: publicKey,
            attestation: try Self.bytes(slot["attestation"]))
        let wrapped = Slot(entry: entry, vaultKey: Data(try Self.bytes(slot["vault_key"])), wrapped: Data(try Self.bytes(slot["wrapped"])))
        switch wrapped.rootKey(by: secret) {
        case .some(let rootKey): addAll(of: rootKey)
        case .none: Issue.record("the key file does not open the vault")
        }
    }

    /// Adds what a passphrase is hashed to, by the salt of its slot.
    mutating func add(_ passphrase: Canary, of keyturn: Installation) async throws {
        let slots = try await RawCall.send("GET", "/v1/slots", to: keyturn.socket).document["items"].items
        let slot = try #require(slots.first { $0["kind"].text == "passphrase" })
        let given = Secret(count: passphrase.text.utf8.count) { $0.copyBytes(from: Array(passphrase.text.utf8)) }
        switch PassphraseHash.key(from: given, salt: try Self.bytes(slot["salt"])) {
        case .some(let key): add(key, "the passphrase's key")
        case .none: Issue.record("no memory for a passphrase")
        }
    }

    private mutating func addAll(of rootKey: borrowing Secret) {
        guard !bytes.values.contains(Self.bytes(rootKey)) else { return }
        let number = bytes.keys.count { $0.hasPrefix("root key") } + 1
        add(rootKey, "root key \(number)")
        add(rootKey.derived(context: "records_"), "record key \(number)")
        add(rootKey.derived(context: "index___"), "index key \(number)")
        add(rootKey.derived(context: "set_____"), "set key \(number)")
        add(rootKey.derived(context: "mirror__"), "mirror key \(number)")
        add(rootKey.derived(context: "backup__"), "backup key \(number)")
    }

    private mutating func add(_ secret: borrowing Secret, _ name: String) {
        bytes[name] = Self.bytes(secret)
    }

    private static func bytes(_ secret: borrowing Secret) -> [UInt8] {
        secret.withBytes { span in (0..<span.byteCount).map { span.byte($0) } }
    }

    private static func bytes(_ field: Document) throws -> [UInt8] {
        Array(try #require(field.text.flatMap { Data(base64Encoded: $0) }))
    }
}
