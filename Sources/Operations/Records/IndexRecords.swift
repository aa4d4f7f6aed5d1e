import Model
package import Rotations
package import Vault

/// Which config a remote configuration belongs to: one at the most.
struct BindingRecord: Sendable, Codable {
    let config: ConfigName

    static func key(_ baseURL: BaseURL, _ id: RemoteID) -> RecordKey {
        .named("\(baseURL) \(id)")
    }
}

/// Points to a rotation: the unfinished ones by config, and each config's own in order of time.
struct RotationPointer: Sendable, Codable {
    let id: RotationID
    let config: ConfigName
}

/// When a config has something to erase next.
struct ErasureRecord: Sendable, Codable {
    let config: ConfigName
    let at: Timestamp

    var key: RecordKey { .timed(milliseconds: UInt64(max(at.milliseconds, 0)), id: config.description) }
}

/// Where a config of this name goes on counting its versions, after one that was purged: its history is still there, and names them.
struct NumberingRecord: Sendable, Codable {
    let next: VersionNumber
}

/// What an Idempotency-Key was first used for.
struct IdempotencyRecord: Sendable, Codable {
    let rotation: RotationID
    /// The request, so that another one under the same key is noticed.
    let request: String
    let at: Timestamp
}

/// A sealed box that was taken: it is never taken again.
struct UsedBoxRecord: Sendable, Codable {
    let at: Timestamp
    /// The intake key it was sealed to; not in records of before.
    var keyID: String?
    /// After that it is refused anyway; `nil` for never.
    var expiresAt: Timestamp?
}

extension RecordKind where Value == BindingRecord {
    static let binding = RecordKind(tag: 0x15, name: "binding")
}

extension RecordKind where Value == Rotation {
    package static let rotation = RecordKind(tag: 0x16, name: "rotation")
}

extension RecordKind where Value == RotationPointer {
    static let unfinished = RecordKind(tag: 0x17, name: "unfinished rotation")
    static let history = RecordKind(tag: 0x18, name: "history")
}

extension RecordKind where Value == ErasureRecord {
    /// By config, as it was at first; `reindexErasures` moves what it finds.
    static let erasureByConfig = RecordKind(tag: 0x19, name: "erasure")
    /// In order of time.
    static let erasure = RecordKind(tag: 0x1D, name: "erasure by time")
}

extension RecordKind where Value == NumberingRecord {
    static let numbering = RecordKind(tag: 0x1E, name: "numbering")
}

extension RecordKind where Value == IdempotencyRecord {
    static let idempotency = RecordKind(tag: 0x1A, name: "idempotency key")
}

extension RecordKind where Value == UsedBoxRecord {
    static let usedBox = RecordKind(tag: 0x1B, name: "used box")
}

extension RecordKey {
    static func named(_ name: ConfigName) -> RecordKey { .named(name.description) }
    static func named(_ name: UpstreamName) -> RecordKey { .named(name.description) }
    static func timed(_ id: RotationID) -> RecordKey { .timed(milliseconds: id.milliseconds, id: id.description) }
    static func version(_ config: ConfigName, _ number: VersionNumber) -> RecordKey { .numbered(config.description, number) }
}
