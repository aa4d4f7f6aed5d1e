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
    /// Of a kind that has but one.
    case only
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

/// The vault's own kinds.
enum RecordTag {
    static let header: UInt8 = 0x01
    static let slot: UInt8 = 0x02
    static let audit: UInt8 = 0x03
    static let intakeSecret: UInt8 = 0x04
    static let intakeList: UInt8 = 0x05
    static let state: UInt8 = 0x06
    static let slotList: UInt8 = 0x07
    static let indexKey: UInt8 = 0x08
    static let vaultKey: UInt8 = 0x09
    static let auditPrunings: UInt8 = 0x0A
    /// Kinds below this are the vault's own.
    static let firstForOthers: UInt8 = 0x10

    /// Read before there is a key, and therefore not sealed.
    static let plain: Set<UInt8> = [header, slot]

    /// As errors name them.
    static let names: [UInt8: String] = [
        header: "header", slot: "slot", audit: RecordKind.audit.name, intakeSecret: RecordKind.intakeSecret.name,
        intakeList: RecordKind.intakeList.name, state: RecordKind.state.name, slotList: RecordKind.slotList.name,
        indexKey: RecordKind.indexKey.name, vaultKey: RecordKind.vaultKey.name,
        auditPrunings: RecordKind.auditPrunings.name,
    ]
}
