package import Model

/// What happened, who did it, and to what. Becomes an entry of the audit log in the transaction that it belongs to.
package struct AuditEvent: Sendable, Equatable, Codable {
    package let at: Timestamp
    /// A dotted name such as `rotation.requested`.
    package let event: String
    /// `nil` where the daemon acted by itself.
    package let caller: Caller?
    package var config: ConfigName?
    package var upstream: UpstreamName?
    package var rotation: RotationID?
    package var version: VersionNumber?
    /// How it came out, in one word.
    package var outcome: String?
    /// Why, in our own words; no foreign text.
    package var reason: String?

    package struct Caller: Sendable, Hashable, Codable {
        package let uid: UInt32
        package let unit: String?

        package init(uid: UInt32, unit: String?) {
            self.uid = uid
            self.unit = unit
        }
    }

    package init(
        at: Timestamp, _ event: String, by caller: Caller?, config: ConfigName? = nil, upstream: UpstreamName? = nil,
        rotation: RotationID? = nil, version: VersionNumber? = nil, outcome: String? = nil, reason: String? = nil
    ) {
        self.at = at
        self.event = event
        self.caller = caller
        self.config = config
        self.upstream = upstream
        self.rotation = rotation
        self.version = version
        self.outcome = outcome
        self.reason = reason
    }
}

/// An event with its place in the log: counted from 1 without gaps.
package struct AuditEntry: Sendable, Equatable, Codable {
    package let seq: Int64
    package let event: AuditEvent
    /// Over it and all entries before; `nil` in those of an earlier release.
    package let mac: AuditMAC?

    package init(seq: Int64, event: AuditEvent, mac: AuditMAC?) {
        self.seq = seq
        self.event = event
        self.mac = mac
    }
}

extension RecordKind where Value == AuditEntry {
    package static let audit = RecordKind(tag: RecordTag.audit, name: "audit entry")
}

/// Hears of each entry after it became durable, in order, and of the disk. Must not block.
package protocol AuditAudience: Sendable {
    func recorded(_ entry: AuditEntry)
    /// So many changes were refused, since they and their entries could not be made durable.
    func notRecorded(_ changes: Int)
    /// The disk is full, or has room again.
    func roomChanged(to room: VaultStore.Room)
}
