/// Body of `POST /v1/configs/{name}/rotate`, `…/rollback` and `…/prove`.
package struct Rotate: RequestBody {
    /// Only if the config is due now; `rotate` alone takes it.
    package var ifDue: Bool?
    /// Kept in the history; at most 200 bytes.
    package var reason: String?
    /// The current credential is burnt: no grace, and it is never put back by itself.
    package var compromised: Bool?
    /// Only say what would happen.
    package var dryRun: Bool?

    package init(ifDue: Bool? = nil, reason: String? = nil, compromised: Bool? = nil, dryRun: Bool? = nil) {
        self.ifDue = ifDue
        self.reason = reason
        self.compromised = compromised
        self.dryRun = dryRun
    }

    package typealias Fields = CodingKeys

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case ifDue = "if_due"
        case reason
        case compromised
        case dryRun = "dry_run"
    }
}

/// Body of `POST /v1/rotations/{id}/resolve`.
package struct Resolve: RequestBody {
    /// `retry`, `applied` or `not-applied`.
    package var how: String

    package init(how: String) {
        self.how = how
    }

    package typealias Fields = CodingKeys

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case how
    }
}

/// Body of calls that take none.
package struct NoFields: RequestBody {

    package init() {}

    package typealias Fields = CodingKeys

    package enum CodingKeys: CodingKey, CaseIterable {
    }
}

/// One journalled attempt to make a version current.
package struct Rotation: Codable, Sendable, Equatable {
    package var id: String
    package var config: String
    /// `rotate`, `rollback`, `remote` or `prove`.
    package var kind: String
    /// `running`, `waiting`, `stuck`, `succeeded`, `rejected`, `failed` or `cancelled`.
    package var state: String
    /// `applying`, `proving`, `reverting` or `done`.
    package var step: String
    /// Whether it made a new version current.
    package var rotated: Bool
    /// The version that it puts.
    @Nullable package var version: Int?
    /// How many PUTs were sent.
    package var attempts: Int
    /// How many cycles of tries ended without an answer, and after how many it is stuck.
    package var cyclesUsed: Int
    package var cyclesMax: Int
    @Nullable package var proof: String?
    /// What went wrong, in our words.
    @Nullable package var reason: String?
    /// What the backend said, scrubbed; for callers with `audit`.
    @Nullable package var upstreamMessage: String?
    /// What to do: a command.
    @Nullable package var nextStep: String?
    /// When a `waiting` one goes on by itself.
    @Nullable package var nextTryAt: String?
    package var warnings: [String]
    package var requestedBy: Caller
    /// The reason given with the request.
    @Nullable package var requestReason: String?
    package var startedAt: String
    @Nullable package var endedAt: String?

    package init(
        id: String, config: String, kind: String, state: String, step: String, rotated: Bool, version: Int? = nil, attempts: Int,
        cyclesUsed: Int, cyclesMax: Int, proof: String? = nil, reason: String? = nil, upstreamMessage: String? = nil,
        nextStep: String? = nil, nextTryAt: String? = nil,
        warnings: [String], requestedBy: Caller, requestReason: String? = nil, startedAt: String, endedAt: String? = nil
    ) {
        self.id = id
        self.config = config
        self.kind = kind
        self.state = state
        self.step = step
        self.rotated = rotated
        self.version = version
        self.attempts = attempts
        self.cyclesUsed = cyclesUsed
        self.cyclesMax = cyclesMax
        self.proof = proof
        self.reason = reason
        self.upstreamMessage = upstreamMessage
        self.nextStep = nextStep
        self.nextTryAt = nextTryAt
        self.warnings = warnings
        self.requestedBy = requestedBy
        self.requestReason = requestReason
        self.startedAt = startedAt
        self.endedAt = endedAt
    }

    package enum CodingKeys: String, CodingKey {
        case id
        case config
        case kind
        case state
        case step
        case rotated
        case version
        case attempts
        case cyclesUsed = "cycles_used"
        case cyclesMax = "cycles_max"
        case proof
        case reason
        case upstreamMessage = "upstream_message"
        case nextStep = "next_step"
        case nextTryAt = "next_try_at"
        case warnings
        case requestedBy = "requested_by"
        case requestReason = "request_reason"
        case startedAt = "started_at"
        case endedAt = "ended_at"
    }
}

/// Answer to a rotation with `if_due` where nothing is due: no rotation was made.
package struct NotDue: Codable, Sendable, Equatable {
    package var rotated: Bool
    @Nullable package var dueAt: String?
    package var reason: String

    package init(rotated: Bool, dueAt: String? = nil, reason: String) {
        self.rotated = rotated
        self.dueAt = dueAt
        self.reason = reason
    }

    package enum CodingKeys: String, CodingKey {
        case rotated
        case dueAt = "due_at"
        case reason
    }
}

/// Answer to `dry_run`: what a rotation would do now.
package struct DryRun: Codable, Sendable, Equatable {
    package var rotated: Bool
    /// The version that would be put, and the one that is current.
    @Nullable package var version: Int?
    @Nullable package var replaces: Int?
    /// Where it would go.
    package var baseURL: String
    package var remoteID: String
    /// The rotation under way that it would wait for.
    @Nullable package var joins: String?
    package var steps: [String]

    package init(
        rotated: Bool, version: Int? = nil, replaces: Int? = nil, baseURL: String, remoteID: String, joins: String? = nil, steps: [String]
    ) {
        self.rotated = rotated
        self.version = version
        self.replaces = replaces
        self.baseURL = baseURL
        self.remoteID = remoteID
        self.joins = joins
        self.steps = steps
    }

    package enum CodingKeys: String, CodingKey {
        case rotated
        case version
        case replaces
        case baseURL = "base_url"
        case remoteID = "remote_id"
        case joins
        case steps
    }
}

/// Who asked, as the kernel says.
package struct Caller: Codable, Sendable, Equatable {
    package var uid: Int64
    @Nullable package var unit: String?

    package init(uid: Int64, unit: String? = nil) {
        self.uid = uid
        self.unit = unit
    }

    package enum CodingKeys: String, CodingKey {
        case uid
        case unit
    }
}
