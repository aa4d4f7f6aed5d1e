/// A kind of record: the first byte of its key, and a name for errors.
package struct RecordKind<Value: ~Copyable>: Sendable {
    package let tag: UInt8
    package let name: String

    package init(tag: UInt8, name: String) {
        self.tag = tag
        self.name = name
    }
}

/// A record's name within its kind, before it is hashed.
package enum RecordKey: Sendable {
    /// By a name, which the engine sees only as a keyed hash.
    case named(String)
    /// One of several under the same name, in their order.
    case numbered(String, Int)
    /// In order of time; the engine sees the milliseconds and a keyed hash of the id.
    case timed(milliseconds: UInt64, id: String)
    /// The same, under a name.
    case namedTimed(String, milliseconds: UInt64, id: String)
    /// In order of counting.
    case sequence(Int64)
}

enum RecordTag {
    static let header: UInt8 = 0x01
    static let slot: UInt8 = 0x02
    static let audit: UInt8 = 0x03
    static let intakeSecret: UInt8 = 0x04
    static let intakeList: UInt8 = 0x05
    /// Kinds below this are the vault's own.
    static let firstForOthers: UInt8 = 0x10
}
