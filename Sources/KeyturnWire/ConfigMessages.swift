/// Body of `PUT /v1/configs/{name}`: the whole config, as in an ordinary PUT.
package struct PutConfig: RequestBody {
    package var upstream: String
    /// Id of the AI LLM configuration at the backend.
    package var remoteID: String
    /// `OPENAI`, `GOOGLE`, `ANTHROPIC`, `AWS` or `OTHER`.
    package var aiType: String
    /// Which field of the PUT takes a lone API key: `key` (default) or `secret`.
    package var field: String?
    /// How often it is due; without it never.
    package var everySeconds: Int64?
    /// How long the old credential stays: 0 to 30 days, default 24 h.
    package var graceSeconds: Int64?
    /// Whether a validate follows the PUT; default true.
    package var prove: Bool?
    /// at most 200 bytes.
    package var description: String?

    package init(
        upstream: String, remoteID: String, aiType: String, field: String? = nil, everySeconds: Int64? = nil, graceSeconds: Int64? = nil,
        prove: Bool? = nil, description: String? = nil
    ) {
        self.upstream = upstream
        self.remoteID = remoteID
        self.aiType = aiType
        self.field = field
        self.everySeconds = everySeconds
        self.graceSeconds = graceSeconds
        self.prove = prove
        self.description = description
    }

    package typealias Fields = CodingKeys

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case upstream
        case remoteID = "remote_id"
        case aiType = "ai_type"
        case field
        case everySeconds = "every_seconds"
        case graceSeconds = "grace_seconds"
        case prove
        case description
    }
}

/// A config with its versions; never a secret, nor a part or hash of one.
package struct Config: Codable, Sendable, Equatable {
    package var name: String
    package var upstream: String
    package var remoteID: String
    package var aiType: String
    package var field: String
    /// The first that applies of `running waiting stuck failed paused overdue due ok`.
    package var state: String
    @Nullable package var everySeconds: Int64?
    package var graceSeconds: Int64
    package var prove: Bool
    @Nullable package var description: String?
    /// RFC 3339 UTC; the only truth about its schedule.
    @Nullable package var dueAt: String?
    @Nullable package var pausedUntil: String?
    @Nullable package var pauseReason: String?
    package var paused: Bool
    package var stagedVersions: Int
    /// All live ones and the last 20 ended, newest first.
    package var versions: [Version]
    /// Its id.
    @Nullable package var lastRotation: String?
    /// Why its state is not `ok`.
    @Nullable package var reason: String?
    /// What to do about it: a command.
    @Nullable package var nextStep: String?
    package var createdAt: String

    package init(
        name: String, upstream: String, remoteID: String, aiType: String, field: String, state: String, everySeconds: Int64? = nil,
        graceSeconds: Int64, prove: Bool, description: String? = nil, dueAt: String? = nil, pausedUntil: String? = nil,
        pauseReason: String? = nil, paused: Bool, stagedVersions: Int, versions: [Version], lastRotation: String? = nil,
        reason: String? = nil, nextStep: String? = nil, createdAt: String
    ) {
        self.name = name
        self.upstream = upstream
        self.remoteID = remoteID
        self.aiType = aiType
        self.field = field
        self.state = state
        self.everySeconds = everySeconds
        self.graceSeconds = graceSeconds
        self.prove = prove
        self.description = description
        self.dueAt = dueAt
        self.pausedUntil = pausedUntil
        self.pauseReason = pauseReason
        self.paused = paused
        self.stagedVersions = stagedVersions
        self.versions = versions
        self.lastRotation = lastRotation
        self.reason = reason
        self.nextStep = nextStep
        self.createdAt = createdAt
    }

    package enum CodingKeys: String, CodingKey {
        case name
        case upstream
        case remoteID = "remote_id"
        case aiType = "ai_type"
        case field
        case state
        case everySeconds = "every_seconds"
        case graceSeconds = "grace_seconds"
        case prove
        case description
        case dueAt = "due_at"
        case pausedUntil = "paused_until"
        case pauseReason = "pause_reason"
        case paused
        case stagedVersions = "staged_versions"
        case versions
        case lastRotation = "last_rotation"
        case reason
        case nextStep = "next_step"
        case createdAt = "created_at"
    }
}

/// One numbered credential of a config.
package struct Version: Codable, Sendable, Equatable {
    package var version: Int
    /// `staged`, `pending`, `current`, `previous`, `retired`, `rejected` or `discarded`.
    package var state: String
    /// `proven`, `unproven`, `failed` or `off`; `null` before it was put.
    @Nullable package var proof: String?
    package var createdAt: String
    @Nullable package var currentSince: String?
    /// When a `previous` one is erased here.
    @Nullable package var eraseAfter: String?
    @Nullable package var endedAt: String?
    @Nullable package var reason: String?
    /// Called burnt by an operator: it has no grace, and never goes back by itself.
    package var compromised: Bool

    package init(
        version: Int, state: String, proof: String? = nil, createdAt: String, currentSince: String? = nil, eraseAfter: String? = nil,
        endedAt: String? = nil, reason: String? = nil, compromised: Bool = false
    ) {
        self.version = version
        self.state = state
        self.proof = proof
        self.createdAt = createdAt
        self.currentSince = currentSince
        self.eraseAfter = eraseAfter
        self.endedAt = endedAt
        self.reason = reason
        self.compromised = compromised
    }

    package enum CodingKeys: String, CodingKey {
        case version
        case state
        case proof
        case createdAt = "created_at"
        case currentSince = "current_since"
        case eraseAfter = "erase_after"
        case endedAt = "ended_at"
        case reason
        case compromised
    }
}

/// Body of `POST /v1/configs/{name}/versions`.
package struct StageVersion: RequestBody {
    /// A sealed box of purpose `stage`, base64.
    package var encryptedValue: String
    /// Which intake key it was made to.
    package var keyID: String
    /// Adopt it as what the backend already holds: no PUT.
    package var asCurrent: Bool?

    package init(encryptedValue: String, keyID: String, asCurrent: Bool? = nil) {
        self.encryptedValue = encryptedValue
        self.keyID = keyID
        self.asCurrent = asCurrent
    }

    package typealias Fields = CodingKeys

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case encryptedValue = "encrypted_value"
        case keyID = "key_id"
        case asCurrent = "as_current"
    }
}

/// Body of `POST /v1/configs/{name}/pause`.
package struct PauseConfig: RequestBody {
    /// RFC 3339.
    package var until: String?
    package var reason: String?

    package init(until: String? = nil, reason: String? = nil) {
        self.until = until
        self.reason = reason
    }

    package typealias Fields = CodingKeys

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case until
        case reason
    }
}

/// Body of `PATCH /v1/configs/{name}/remote`: the non-secret fields of the PUT.
package struct PatchRemote: RequestBody {
    package var name: String?
    package var endpoint: String?
    package var aiType: String?

    package init(name: String? = nil, endpoint: String? = nil, aiType: String? = nil) {
        self.name = name
        self.endpoint = endpoint
        self.aiType = aiType
    }

    package typealias Fields = CodingKeys

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case name
        case endpoint
        case aiType = "ai_type"
    }
}
