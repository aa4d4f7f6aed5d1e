import FoundationEssentials
package import Model
import Secrets
import Vault

/// What a sealed box holds once it was opened and found to be for this very purpose and target.
struct SealedEnvelope: ~Copyable {
    /// Of the box: it is taken once.
    let id: String
    /// `nil`: never.
    let expiresAt: Timestamp?
    let content: GuardedJSON

    enum Purpose: String {
        case stage
        case upstreamToken = "upstream-token"
        /// The root key, for a sealed vault.
        case unseal

        /// The command that makes a new box for the same use, and sends it.
        func anotherBox(for target: String) -> String {
            switch self {
            case .stage: "keyturn stage \(target)"
            case .upstreamToken: "keyturn upstream set \(target) --token-stdin"
            case .unseal: "keyturn unseal"
            }
        }
    }
}

/// A sealed box as it came in.
package struct IncomingBox: Sendable {
    package let sealed: [UInt8]
    package let keyID: String

    /// Larger than any envelope: 64 KiB bodies bound it anyway.
    package init(base64: String, keyID: String) throws(Problem) {
        guard let data = Data(base64Encoded: base64), !data.isEmpty else {
            throw .badField("encrypted_value", InvalidValue("a sealed box in standard base64"))
        }
        guard keyID.utf8.count == 16, keyID.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else {
            throw .badField("key_id", InvalidValue("16 hex digits, as 'keyturn intake-key' shows them"))
        }
        sealed = Array(data)
        self.keyID = keyID
    }
}

extension Transaction {
    /// Opens a box and uses it up. Refused unless it was made for this vault, purpose and target, is not expired, and was never taken before.
    mutating func take(_ box: IncomingBox, for purpose: SealedEnvelope.Purpose, target: String, at now: Timestamp) throws -> SealedEnvelope
    {
        guard let pair = try intakeKeyPair(id: box.keyID, at: now) else { throw Problem.sealedToAnother(box) }
        let envelope = try box.opened(by: pair, for: purpose, target: target, at: now)
        let key = RecordKey.named(envelope.id)
        guard try get(.usedBox, key) == nil else {
            throw Problem(.wrongBox, "The box was used before.", nextStep: purpose.anotherBox(for: target))
        }
        try put(.usedBox, key, UsedBoxRecord(at: now, keyID: box.keyID, expiresAt: envelope.expiresAt))
        return envelope
    }
}

extension IncomingBox {
    /// Refused unless it was sealed to `pair`, made for this purpose and target, and is not expired.
    func opened(
        by pair: borrowing BoxKeyPair, for purpose: SealedEnvelope.Purpose, target: String, at now: Timestamp
    ) throws(Problem) -> SealedEnvelope {
        guard let plaintext = try? pair.open(sealed) else {
            throw Problem(
                .wrongBox, "The box does not open with the intake key \(keyID): it is damaged or sealed to another key.",
                nextStep: purpose.anotherBox(for: target))
        }
        return try SealedEnvelope(plaintext, for: purpose, target: target, at: now)
    }
}

extension SealedEnvelope {
    /// Reads what was in a box. Refused unless it was made for this purpose and target, and is not expired.
    init(_ plaintext: consuming Secret, for purpose: Purpose, target: String, at now: Timestamp) throws(Problem) {
        let again = purpose.anotherBox(for: target)
        let envelope: GuardedJSON
        do { envelope = try GuardedJSON(plaintext) } catch {
            throw Problem(.wrongBox, "The box does not hold a JSON envelope.", nextStep: again)
        }
        let known: Set = ["v", "purpose", "target", "box", "expires_at", "credential"]
        guard Set(envelope.fields) == known || Set(envelope.fields) == known.subtracting(["expires_at"]), envelope.number("v") == 1 else {
            throw Problem(.wrongBox, "The envelope in the box is not of version 1, or has fields that it should not have.", nextStep: again)
        }
        guard envelope.text("purpose") == purpose.rawValue else {
            throw Problem(.wrongBox, "The box was made for another purpose than '\(purpose.rawValue)'.", nextStep: again)
        }
        guard envelope.text("target") == target else {
            throw Problem(.wrongBox, "The box was made for another name than '\(target)'.", nextStep: again)
        }
        let expiresAt = try Self.expiry(of: envelope, at: now, again)
        guard let id = envelope.text("box"), UUID(uuidString: id) != nil else {
            throw Problem(.wrongBox, "The envelope's 'box' is not a UUID.", nextStep: again)
        }
        guard let content = envelope.object("credential") else {
            throw Problem(.wrongBox, "The envelope has no 'credential'.", nextStep: again)
        }
        self.init(id: id.lowercased(), expiresAt: expiresAt, content: content)
    }

    /// Refuses an expired one; `nil` for one that never expires.
    private static func expiry(of envelope: GuardedJSON, at now: Timestamp, _ again: String) throws(Problem) -> Timestamp? {
        guard envelope.has("expires_at"), !envelope.isNull("expires_at") else { return nil }
        guard let text = envelope.text("expires_at"), let expiry = try? Timestamp(text) else {
            throw Problem(.wrongBox, "The envelope's 'expires_at' is not a time as in RFC 3339.", nextStep: again)
        }
        guard now < expiry else { throw Problem(.wrongBox, "The box expired at \(expiry).", nextStep: again) }
        return expiry
    }
}

extension Problem {
    static func sealedToAnother(_ box: IncomingBox) -> Problem {
        Problem(
            .wrongBox, "The box was sealed to another key (\(box.keyID)) than the one that this vault offers.",
            nextStep: "keyturn intake-key")
    }
}

/// A secret that can be sent: not empty, no control characters, no space that was pasted along, not absurdly long.
func requireUsable(_ secret: borrowing Secret, _ field: String) throws(Problem) {
    guard secret.count > 0 else { throw Problem(.badRequest, "The credential's '\(field)' is empty.") }
    guard secret.count <= 16_384 else { throw Problem(.badRequest, "The credential's '\(field)' is longer than 16384 bytes.") }
    let hasControl = secret.withBytes { bytes in (0..<bytes.byteCount).contains { bytes.byte($0) < 0x20 || bytes.byte($0) == 0x7F } }
    guard !hasControl else {
        throw Problem(.badRequest, "The credential's '\(field)' has a line break or another control character in it.")
    }
    let hasSpace = secret.withBytes { bytes in bytes.byte(0) == 0x20 || bytes.byte(bytes.byteCount - 1) == 0x20 }
    guard !hasSpace else { throw Problem(.badRequest, "The credential's '\(field)' begins or ends with a space.") }
}
