import Operations
import Rotations
import Secrets
import Vault

/// Passes everything on but commits, which `passOn` may change.
class EngineDecorator: Engine, @unchecked Sendable {
    // SAFETY: used from the scheduler's thread alone.
    let inner: any Engine

    init(_ inner: any Engine) { self.inner = inner }

    func commit(_ changes: [EngineChange]) throws(EngineError) { try inner.commit(changes) }

    func get(_ key: [UInt8]) throws(EngineError) -> EngineRecord? { try inner.get(key) }

    func range(_ prefix: [UInt8], after: [UInt8]?, order: RangeOrder, limit: Int) throws(EngineError) -> [EngineRecord] {
        try inner.range(prefix, after: after, order: order, limit: limit)
    }

    func snapshot() throws(EngineError) -> any EngineSnapshot { try inner.snapshot() }

    var reserve: (any Reserve)? { inner.reserve }

    func rewrite(
        _ becoming: (EngineRecord) throws(VaultError) -> EngineChange.Content?, last: () throws(VaultError) -> [EngineChange]
    ) throws(VaultError) {
        try inner.rewrite(becoming, last: last)
    }

    func keepCopy(named name: String) throws(EngineError) { try inner.keepCopy(named: name) }
    func forgetReplaced() throws(EngineError) { try inner.forgetReplaced() }
    func requireSound() throws(EngineError) { try inner.requireSound() }
    func close() { inner.close() }
}

final class EngineWithoutAudit: EngineDecorator, @unchecked Sendable {
    // SAFETY: used from the scheduler's thread alone.
    private static let auditTag: UInt8 = 0x03

    override func commit(_ changes: [EngineChange]) throws(EngineError) {
        try inner.commit(changes.filter { $0.key.first != Self.auditTag })
    }
}

final class EngineThatWritesBehind: EngineDecorator, @unchecked Sendable {
    // SAFETY: used from the scheduler's thread alone.
    private var owed: [EngineChange] = []
    private let owes: ([EngineChange]) -> Bool

    init(_ inner: any Engine, where owes: @escaping ([EngineChange]) -> Bool = { _ in true }) {
        self.owes = owes
        super.init(inner)
    }

    /// Only where nothing goes out for it: what shows is the answer that came too early.
    static func forStaging(_ inner: any Engine) -> EngineThatWritesBehind {
        EngineThatWritesBehind(inner) { changes in
            let tags = Set(changes.compactMap(\.key.first))
            return tags.contains(RecordKind<Secret>.credential.tag) && !tags.contains(RecordKind<Rotation>.rotation.tag)
        }
    }

    override func commit(_ changes: [EngineChange]) throws(EngineError) {
        try pay()
        guard owes(changes) else { return try inner.commit(changes) }
        owed = changes
    }

    override func get(_ key: [UInt8]) throws(EngineError) -> EngineRecord? {
        guard let change = owed.first(where: { $0.key == key }) else { return try inner.get(key) }
        return change.becomes.map { EngineRecord(key: key, revision: $0.revision, value: $0.value) }
    }

    override func range(_ prefix: [UInt8], after: [UInt8]?, order: RangeOrder, limit: Int) throws(EngineError) -> [EngineRecord] {
        try pay()
        return try inner.range(prefix, after: after, order: order, limit: limit)
    }

    private func pay() throws(EngineError) {
        guard !owed.isEmpty else { return }
        let changes = owed
        owed = []
        try inner.commit(changes)
    }
}

/// Lists of configs lack their last one; each by itself is there.
final class EngineThatListsOneConfigLess: EngineDecorator, @unchecked Sendable {
    // SAFETY: used from the scheduler's thread alone.
    override func range(_ prefix: [UInt8], after: [UInt8]?, order: RangeOrder, limit: Int) throws(EngineError) -> [EngineRecord] {
        let records = try inner.range(prefix, after: after, order: order, limit: limit)
        return prefix == [RecordKind<ConfigRecord>.config.tag] ? Array(records.dropLast()) : records
    }
}

final class EngineThatKeepsItsReserve: EngineDecorator, @unchecked Sendable {
    // SAFETY: used from the scheduler's thread alone.
    override var reserve: (any Reserve)? { inner.reserve.map(Kept.init) }

    private struct Kept: Reserve {
        let honest: any Reserve

        func keep() throws(EngineError) { try honest.keep() }
        func release() -> Bool { false }
    }
}
