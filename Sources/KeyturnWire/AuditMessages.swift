/// One line of the audit log.
package struct AuditEntry: Codable, Sendable, Equatable {
    package var seq: Int64
    package var at: String
    package var event: String
    @Nullable package var caller: Caller?
    @Nullable package var config: String?
    @Nullable package var upstream: String?
    @Nullable package var rotation: String?
    @Nullable package var version: Int?
    @Nullable package var outcome: String?
    @Nullable package var reason: String?
    /// Over it and all entries before it.
    @Nullable package var mac: String?

    package init(
        seq: Int64, at: String, event: String, caller: Caller? = nil, config: String? = nil, upstream: String? = nil,
        rotation: String? = nil, version: Int? = nil, outcome: String? = nil, reason: String? = nil, mac: String? = nil
    ) {
        self.seq = seq
        self.at = at
        self.event = event
        self.caller = caller
        self.config = config
        self.upstream = upstream
        self.rotation = rotation
        self.version = version
        self.outcome = outcome
        self.reason = reason
        self.mac = mac
    }

    package enum CodingKeys: String, CodingKey {
        case seq, at, event, caller, config, upstream, rotation, version, outcome, reason, mac
    }

    package var mark: AuditMark { AuditMark(seq: seq, mac: mac) }
}

/// A place in the audit log, and what vouches for all entries up to it.
package struct AuditMark: Codable, Sendable, Equatable {
    /// 0: before the first entry.
    package var seq: Int64
    @Nullable package var mac: String?

    package init(seq: Int64, mac: String?) {
        self.seq = seq
        self.mac = mac
    }

    package enum CodingKeys: String, CodingKey {
        case seq, mac
    }
}

/// `POST /v1/audit/verify`: looks at the log that the vault holds, some thousand entries at a time.
package struct VerifyAudit: RequestBody, Equatable {
    package typealias Fields = CodingKeys

    /// Goes on after this entry.
    package var after: Int64?

    package init(after: Int64? = nil) {
        self.after = after
    }

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case after
    }
}

/// `POST /v1/audit/verify-export`: looks at entries that were exported.
package struct VerifyAuditExport: RequestBody, Equatable {
    package typealias Fields = CodingKeys

    /// What they follow.
    package var after: AuditMark
    /// In their order; none asks about `after` itself.
    package var entries: [AuditEntry]

    package init(after: AuditMark, entries: [AuditEntry]) {
        self.after = after
        self.entries = entries
    }

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case after, entries
    }
}

/// What came of it.
package struct AuditVerdict: Codable, Sendable, Equatable {
    /// Where the log begins: after what was pruned.
    package var begins: AuditMark
    package var checked: Int
    /// The last entry that is as it was written.
    package var last: AuditMark
    @Nullable package var fault: AuditFault?
    /// So many of the log's first entries have no MAC: an earlier release wrote them.
    package var unchained: Int64
    /// Whether `last` is what the log has, or had before it was pruned, at its place.
    package var inLog: Bool
    /// Whether the log ends there.
    package var end: Bool
    /// Among what was checked, the entries that tell of a vault which may have been an older copy.
    package var quarantines: [AuditEntry]

    package init(
        begins: AuditMark, checked: Int, last: AuditMark, fault: AuditFault?, unchained: Int64, inLog: Bool, end: Bool,
        quarantines: [AuditEntry]
    ) {
        self.begins = begins
        self.checked = checked
        self.last = last
        self.fault = fault
        self.unchained = unchained
        self.inLog = inLog
        self.end = end
        self.quarantines = quarantines
    }

    package enum CodingKeys: String, CodingKey {
        case begins, checked, last, fault, unchained, end, quarantines
        case inLog = "in_log"
    }
}

/// The first entry that is not as it was written.
package struct AuditFault: Codable, Sendable, Equatable {
    /// `changed`, `missing`, `misplaced`, `truncated` or `replaced`.
    package var code: String
    package var seq: Int64
    package var detail: String

    package init(code: String, seq: Int64, detail: String) {
        self.code = code
        self.seq = seq
        self.detail = detail
    }

    package enum CodingKeys: String, CodingKey {
        case code, seq, detail
    }
}

/// `POST /v1/audit/prune`: drops what was exported. Answers with where the log begins then.
package struct PruneAudit: RequestBody, Equatable {
    package typealias Fields = CodingKeys

    /// What the exported entries follow.
    package var after: AuditMark
    /// The last of them.
    package var through: AuditMark

    package init(after: AuditMark, through: AuditMark) {
        self.after = after
        self.through = through
    }

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case after, through
    }
}
