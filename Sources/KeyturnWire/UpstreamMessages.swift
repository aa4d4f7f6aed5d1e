/// Body of `PUT /v1/upstreams/{name}`.
package struct PutUpstream: RequestBody {
    /// Such as `https://backend.example.com`.
    package var baseURL: String
    /// PEM certificates that replace the system's trust: the content, never a path.
    package var caPEM: String?
    /// SHA-256 of the server certificate's public key (SPKI): 64 hex digits.
    package var pinSHA256: String?
    /// Plain HTTP, to a loopback address only.
    package var allowPlainHTTP: Bool?
    /// Sent along where the backend's list wants one.
    package var workspaceID: String?
    /// The bearer: a sealed box of purpose `upstream-token`, base64. Without it the stored one stays, unless URL, CA or pin change.
    package var encryptedValue: String?
    /// Which intake key the box was made to.
    package var keyID: String?

    package init(
        baseURL: String, caPEM: String? = nil, pinSHA256: String? = nil, allowPlainHTTP: Bool? = nil, workspaceID: String? = nil,
        encryptedValue: String? = nil, keyID: String? = nil
    ) {
        self.baseURL = baseURL
        self.caPEM = caPEM
        self.pinSHA256 = pinSHA256
        self.allowPlainHTTP = allowPlainHTTP
        self.workspaceID = workspaceID
        self.encryptedValue = encryptedValue
        self.keyID = keyID
    }

    package typealias Fields = CodingKeys

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case baseURL = "base_url"
        case caPEM = "ca_pem"
        case pinSHA256 = "pin_sha256"
        case allowPlainHTTP = "allow_plain_http"
        case workspaceID = "workspace_id"
        case encryptedValue = "encrypted_value"
        case keyID = "key_id"
    }
}

/// A Flashback backend as the vault knows it; never its bearer.
package struct Upstream: Codable, Sendable, Equatable {
    package var name: String
    package var baseURL: String
    @Nullable package var caPEM: String?
    @Nullable package var pinSHA256: String?
    package var allowPlainHTTP: Bool
    @Nullable package var workspaceID: String?
    /// `none`, `access-token` or `refresh-token`.
    package var bearer: String
    /// Why it has none any more, or one that the backend refuses.
    @Nullable package var bearerLost: BearerLoss?
    /// RFC 3339; `null` where it is not known.
    @Nullable package var tokenExpiresAt: String?
    /// When the backend last took the bearer.
    @Nullable package var lastSuccessAt: String?
    /// How many configs are bound to it.
    package var configs: Int

    package init(
        name: String, baseURL: String, caPEM: String? = nil, pinSHA256: String? = nil, allowPlainHTTP: Bool, workspaceID: String? = nil,
        bearer: String, bearerLost: BearerLoss? = nil, tokenExpiresAt: String? = nil, lastSuccessAt: String? = nil, configs: Int
    ) {
        self.name = name
        self.baseURL = baseURL
        self.caPEM = caPEM
        self.pinSHA256 = pinSHA256
        self.allowPlainHTTP = allowPlainHTTP
        self.workspaceID = workspaceID
        self.bearer = bearer
        self.bearerLost = bearerLost
        self.tokenExpiresAt = tokenExpiresAt
        self.lastSuccessAt = lastSuccessAt
        self.configs = configs
    }

    package enum CodingKeys: String, CodingKey {
        case name
        case baseURL = "base_url"
        case caPEM = "ca_pem"
        case pinSHA256 = "pin_sha256"
        case allowPlainHTTP = "allow_plain_http"
        case workspaceID = "workspace_id"
        case bearer
        case bearerLost = "bearer_lost"
        case tokenExpiresAt = "token_expires_at"
        case lastSuccessAt = "last_success_at"
        case configs
    }
}

/// What a look at an upstream's backend came to.
package struct UpstreamCheck: Codable, Sendable, Equatable {
    package var upstream: String
    /// `well`, `unauthorized`, `untrusted` or `unreachable`.
    package var outcome: String
    /// What was seen, where it is not well.
    @Nullable package var reason: String?
    /// Whether the backend was shown the bearer.
    package var bearerTried: Bool
    /// How far the daemon's clock is ahead of the backend's; below 0 where it is behind, `null` where the backend does not tell.
    @Nullable package var clockAheadSeconds: Int64?

    package init(upstream: String, outcome: String, reason: String? = nil, bearerTried: Bool, clockAheadSeconds: Int64? = nil) {
        self.upstream = upstream
        self.outcome = outcome
        self.reason = reason
        self.bearerTried = bearerTried
        self.clockAheadSeconds = clockAheadSeconds
    }

    package enum CodingKeys: String, CodingKey {
        case upstream
        case outcome
        case reason
        case bearerTried = "bearer_tried"
        case clockAheadSeconds = "clock_ahead_seconds"
    }
}

/// An upstream's bearer that works no more.
package struct BearerLoss: Codable, Sendable, Equatable {
    package var upstream: String
    package var at: String
    package var reason: String
    package var nextStep: String

    package init(upstream: String, at: String, reason: String, nextStep: String) {
        self.upstream = upstream
        self.at = at
        self.reason = reason
        self.nextStep = nextStep
    }

    package enum CodingKeys: String, CodingKey {
        case upstream
        case at
        case reason
        case nextStep = "next_step"
    }
}
