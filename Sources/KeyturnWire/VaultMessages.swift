/// The key that secrets are sealed to.
package struct IntakeKey: Codable, Sendable, Equatable {
    /// The first 16 hex digits of the key's 32-byte BLAKE2b hash.
    package var keyID: String
    /// X25519 public key, base64.
    package var key: String
    /// What boxes to it may hold: `stage` and `upstream-token`; while the vault is sealed, `unseal` alone.
    package var purposes: [String]

    package init(keyID: String, key: String, purposes: [String]) {
        self.keyID = keyID
        self.key = key
        self.purposes = purposes
    }

    package enum CodingKeys: String, CodingKey {
        case keyID = "key_id"
        case key
        case purposes
    }
}

/// What `keyturn encrypt` prints and `--sealed` reads: an envelope in a libsodium sealed box.
package struct SealedValue: Codable, Sendable, Equatable {
    /// base64
    package var encryptedValue: String
    package var keyID: String

    package init(encryptedValue: String, keyID: String) {
        self.encryptedValue = encryptedValue
        self.keyID = keyID
    }

    package enum CodingKeys: String, CodingKey {
        case encryptedValue = "encrypted_value"
        case keyID = "key_id"
    }
}

/// Answer to `POST /v1/seal` and `/v1/unseal`.
package struct SealState: Codable, Sendable, Equatable {
    package var sealed: Bool

    package init(sealed: Bool) {
        self.sealed = sealed
    }

    package enum CodingKeys: String, CodingKey {
        case sealed
    }
}

/// `POST /v1/unseal`.
package struct Unseal: RequestBody, Equatable {
    package typealias Fields = CodingKeys

    /// Whether a vault that may be an older copy is opened, in quarantine.
    package var acceptOlder: Bool?
    /// The root key, unwrapped by the caller: a sealed box of purpose `unseal`, base64. Without it the daemon finds a key by itself.
    package var encryptedValue: String?
    /// Which intake key it was made to.
    package var keyID: String?

    package init(acceptOlder: Bool? = nil, box: SealedValue? = nil) {
        self.acceptOlder = acceptOlder
        encryptedValue = box?.encryptedValue
        keyID = box?.keyID
    }

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case acceptOlder = "accept_older"
        case encryptedValue = "encrypted_value"
        case keyID = "key_id"
    }
}

/// How the daemon sees the caller.
package struct Whoami: Codable, Sendable, Equatable {
    package var uid: Int64
    @Nullable package var user: String?
    package var gid: Int64
    package var groups: [Int64]
    package var pid: Int64
    @Nullable package var unit: String?
    /// On everything.
    package var rights: [String]
    /// The rules of the policy that match.
    package var rules: [PolicyRule]

    package init(
        uid: Int64, user: String? = nil, gid: Int64, groups: [Int64], pid: Int64, unit: String? = nil, rights: [String],
        rules: [PolicyRule] = []
    ) {
        self.uid = uid
        self.user = user
        self.gid = gid
        self.groups = groups
        self.pid = pid
        self.unit = unit
        self.rights = rights
        self.rules = rules
    }

    package enum CodingKeys: String, CodingKey {
        case uid
        case user
        case gid
        case groups
        case pid
        case unit
        case rights
        case rules
    }
}

/// Answer to `GET /v1/status`.
package struct Status: Codable, Sendable, Equatable {
    /// Of the daemon.
    package var version: String
    package var sealed: Bool
    /// Why it is sealed, as a stable code.
    @Nullable package var sealedCode: String?
    /// Why it is sealed, as a sentence.
    @Nullable package var sealedReason: String?
    /// Why the last reload of the settings and the policy was refused; `null`: it was not. Those before it are in force.
    @Nullable package var reloadRefused: String?
    /// Whether the disk that holds the vault is full: what is under way is still recorded, nothing new begins.
    package var diskFull: Bool
    /// What to do about the vault as a whole.
    @Nullable package var nextStep: String?
    /// When the last backup was made that was sent whole; `null`: never, or sealed.
    @Nullable package var lastBackupAt: String?
    /// While the vault is in quarantine.
    @Nullable package var quarantine: Quarantine?
    /// How many configs are in each state.
    package var configs: [String: Int]
    package var upstreams: Int
    /// What failed, is overdue, stuck, waiting, or due within 7 days with nothing staged.
    package var attention: [Attention]
    /// Upstreams whose bearer works no more.
    package var bearersLost: [BearerLoss]
    /// How many ways into the vault there are, by kind; all 0 while it is sealed.
    package var slots: [String: Int]

    package init(
        version: String, sealed: Bool, sealedCode: String? = nil, sealedReason: String? = nil, reloadRefused: String? = nil,
        diskFull: Bool = false, nextStep: String? = nil, lastBackupAt: String? = nil, quarantine: Quarantine? = nil, configs: [String: Int],
        upstreams: Int,
        attention: [Attention], bearersLost: [BearerLoss] = [], slots: [String: Int] = [:]
    ) {
        self.version = version
        self.sealed = sealed
        self.sealedCode = sealedCode
        self.sealedReason = sealedReason
        self.reloadRefused = reloadRefused
        self.diskFull = diskFull
        self.nextStep = nextStep
        self.lastBackupAt = lastBackupAt
        self.quarantine = quarantine
        self.configs = configs
        self.upstreams = upstreams
        self.attention = attention
        self.bearersLost = bearersLost
        self.slots = slots
    }

    package enum CodingKeys: String, CodingKey {
        case version
        case sealed
        case sealedCode = "sealed_code"
        case sealedReason = "sealed_reason"
        case reloadRefused = "reload_refused"
        case diskFull = "disk_full"
        case nextStep = "next_step"
        case lastBackupAt = "last_backup_at"
        case quarantine
        case configs
        case upstreams
        case attention
        case bearersLost = "bearers_lost"
        case slots
    }
}

/// A vault that may hold keys which died after it was copied: nothing goes out for a config until it is released or has a new key.
package struct Quarantine: Codable, Sendable, Equatable {
    package var since: String
    /// `restored`, `older` or `other-machine`.
    package var cause: String
    package var reason: String
    package var nextStep: String

    package init(since: String, cause: String, reason: String, nextStep: String) {
        self.since = since
        self.cause = cause
        self.reason = reason
        self.nextStep = nextStep
    }

    package enum CodingKeys: String, CodingKey {
        case since
        case cause
        case reason
        case nextStep = "next_step"
    }
}

/// One thing that somebody should look at.
package struct Attention: Codable, Sendable, Equatable {
    package var config: String
    package var state: String
    package var reason: String
    @Nullable package var nextStep: String?

    package init(config: String, state: String, reason: String, nextStep: String? = nil) {
        self.config = config
        self.state = state
        self.reason = reason
        self.nextStep = nextStep
    }

    package enum CodingKeys: String, CodingKey {
        case config
        case state
        case reason
        case nextStep = "next_step"
    }
}

/// Answer of `GET /healthz` and `/readyz`.
package struct Health: Codable, Sendable, Equatable {
    /// `ok`; else `hangs`, or `sealed` and `starting`.
    package var status: String

    package init(status: String) {
        self.status = status
    }

    package enum CodingKeys: String, CodingKey {
        case status
    }
}

/// One server-sent event of `GET /v1/events`. Durable steps have an id, which `Last-Event-ID` takes; live ones have none.
package struct RotationEvent: Codable, Sendable, Equatable {
    package var at: String
    /// Such as `rotation.requested`.
    package var event: String
    package var config: String
    @Nullable package var rotation: String?
    @Nullable package var version: Int?
    @Nullable package var state: String?
    @Nullable package var reason: String?

    package init(
        at: String, event: String, config: String, rotation: String? = nil, version: Int? = nil, state: String? = nil, reason: String? = nil
    ) {
        self.at = at
        self.event = event
        self.config = config
        self.rotation = rotation
        self.version = version
        self.state = state
        self.reason = reason
    }

    package enum CodingKeys: String, CodingKey {
        case at
        case event
        case config
        case rotation
        case version
        case state
        case reason
    }
}
