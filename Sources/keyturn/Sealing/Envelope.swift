import FoundationEssentials
import KeyturnWire
import Model
import Secrets

/// What goes into a sealed box: the secret, and the one place that it is for.
struct Envelope {
    let purpose: Purpose
    /// Name of the config or the upstream.
    let target: String
    /// Refused after this.
    var expiresAt: Timestamp?

    enum Purpose: String {
        case stage
        case upstreamToken = "upstream-token"
        case unseal
    }

    func seal(_ credential: borrowing some Sealable & ~Copyable, to key: BoxPublicKey) throws(Failure) -> SealedValue {
        var json = GuardedJSONWriter(capacity: 4096)
        json.literal(#"{"v":1,"purpose":"#)
        json.string(purpose.rawValue)
        json.literal(#","target":"#)
        json.string(target)
        json.literal(#","box":"#)
        json.string(UUID().uuidString.lowercased())
        json.literal(#","expires_at":"#)
        if let expiresAt { json.string(expiresAt.description) } else { json.literal("null") }
        json.literal(#","credential":{"#)
        var members = CredentialMembers(json: json)
        credential.write(to: &members)
        let text = members.finish()
        let box = text.withBytes { key.seal($0) }
        // Read back: what the vault could not read must be found here, where somebody can still mend it.
        do { _ = try GuardedJSON(text) } catch { throw .usage("The secret is not UTF-8 text.") }
        return SealedValue(encryptedValue: Data(box).base64EncodedString(), keyID: key.id)
    }
}

/// What can stand as `credential` in an envelope.
protocol Sealable: ~Copyable {
    func write(to members: inout CredentialMembers)
}

/// The members of `credential` as they are written, in guarded memory.
struct CredentialMembers: ~Copyable {
    private var json: GuardedJSONWriter
    private var isFirst = true

    init(json: consuming GuardedJSONWriter) {
        self.json = json
    }

    mutating func add(_ name: String, _ secret: borrowing Secret) {
        begin(name)
        json.string(secret)
    }

    mutating func add(_ name: String, _ secret: borrowing Secret?) {
        switch secret {
        case .some(let secret): add(name, secret)
        case .none: break
        }
    }

    mutating func add(_ name: String, _ text: String) {
        begin(name)
        json.string(text)
    }

    private mutating func begin(_ name: String) {
        if !isFirst { json.literal(",") }
        isFirst = false
        json.string(name)
        json.literal(":")
    }

    consuming func finish() -> Secret {
        json.literal("}}")
        return json.finish()
    }
}

/// A vault's root key, for the daemon that serves it.
struct RootKey: ~Copyable, Sealable {
    let secret: Secret

    /// There is but one vault that a daemon's box can be for.
    static let target = "vault"

    func write(to members: inout CredentialMembers) {
        members.add("root_key", secret.hexadecimal())
    }
}

extension StagedCredential: Sealable {
    func write(to members: inout CredentialMembers) {
        members.add("key", key)
        members.add("secret", secret)
        if let name { members.add("name", name) }
        if let endpoint { members.add("endpoint", endpoint) }
        if let aiType { members.add("aiType", aiType) }
    }
}

/// The bearer credential of an upstream.
struct BearerToken: ~Copyable, Sendable, Sealable {
    let kind: Kind
    let token: Secret

    enum Kind: String {
        case access = "access_token"
        case refresh = "refresh_token"
    }

    init(_ kind: Kind, _ input: borrowing Secret) throws(Failure) {
        self.kind = kind
        token = try SecretLine.read(input)
    }

    func write(to members: inout CredentialMembers) {
        members.add(kind.rawValue, token)
    }
}
