/// One way into the vault.
package struct Slot: Codable, Sendable, Equatable {
    package var id: String
    /// `credential`, `passphrase` or `recipient`.
    package var kind: String
    @Nullable package var name: String?
    package var createdAt: String
    /// X25519, base64; as are all below.
    package var publicKey: String
    /// Of a passphrase.
    @Nullable package var salt: String?
    /// By which the slot's owner knows the vault's key.
    @Nullable package var attestation: String?
    package var vaultKey: String
    /// The root key, boxed by the vault's key to the slot's.
    package var wrapped: String

    package init(
        id: String, kind: String, name: String? = nil, createdAt: String, publicKey: String, salt: String? = nil,
        attestation: String? = nil, vaultKey: String, wrapped: String
    ) {
        self.id = id
        self.kind = kind
        self.name = name
        self.createdAt = createdAt
        self.publicKey = publicKey
        self.salt = salt
        self.attestation = attestation
        self.vaultKey = vaultKey
        self.wrapped = wrapped
    }

    package enum CodingKeys: String, CodingKey {
        case id, kind, name, salt, attestation, wrapped
        case createdAt = "created_at"
        case publicKey = "public_key"
        case vaultKey = "vault_key"
    }
}

/// `POST /v1/slots`: what is public of a new way in.
package struct AddSlot: RequestBody, Equatable {
    package typealias Fields = CodingKeys

    package var kind: String
    package var name: String?
    package var publicKey: String
    package var salt: String?
    package var attestation: String?

    package init(kind: String, name: String? = nil, publicKey: String, salt: String? = nil, attestation: String? = nil) {
        self.kind = kind
        self.name = name
        self.publicKey = publicKey
        self.salt = salt
        self.attestation = attestation
    }

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case kind, name, salt, attestation
        case publicKey = "public_key"
    }
}

/// Answer to `DELETE /v1/slots/{id}`.
package struct SlotRemoval: Codable, Sendable, Equatable {
    package var warnings: [String]

    package init(warnings: [String]) {
        self.warnings = warnings
    }
}
