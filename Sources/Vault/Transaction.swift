package import Secrets

/// Reads and writes that become durable together, with their audit entry, or not at all.
/// Sees its own writes, and those of the transactions before it in the same batch.
package struct Transaction: RecordReader {
    package let vault: OpenVault
    private let earlier: Batch.Overlay
    private(set) var writes: [[UInt8]: Batch.Write] = [:]
    private(set) var erases = false

    init(vault: OpenVault, after earlier: Batch.Overlay) {
        self.vault = vault
        self.earlier = earlier
    }

    package mutating func put<Value: Encodable & Sendable>(_ kind: RecordKind<Value>, _ key: RecordKey, _ value: Value) throws(VaultError) {
        let engineKey = vault.engineKey(kind, key)
        let revision = try revision(engineKey) + 1
        write(
            engineKey,
            EngineChange.Content(revision: revision, value: vault.seal(RecordJSON.encode(value), at: engineKey, revision: revision)), value)
    }

    package mutating func put(_ kind: RecordKind<Secret>, _ key: RecordKey, _ value: borrowing Secret) throws(VaultError) {
        let engineKey = vault.engineKey(kind, key)
        let revision = try revision(engineKey) + 1
        write(engineKey, EngineChange.Content(revision: revision, value: vault.seal(value, at: engineKey, revision: revision)))
    }

    /// Nothing happens where there is no such record.
    package mutating func delete<Value: ~Copyable>(_ kind: RecordKind<Value>, _ key: RecordKey) throws(VaultError) {
        let engineKey = vault.engineKey(kind, key)
        guard try revision(engineKey) > 0 else { return }
        write(engineKey, nil)
    }

    /// The same, and nothing of it stays beside the records either: in no journal and no automatic copy.
    package mutating func erase<Value: ~Copyable>(_ kind: RecordKind<Value>, _ key: RecordKey) throws(VaultError) {
        try delete(kind, key)
        erases = true
    }

    /// For what is read before there is a key.
    mutating func putPlain(_ key: [UInt8], _ value: some Encodable) throws(VaultError) {
        let revision = try revision(key) + 1
        write(key, EngineChange.Content(revision: revision, value: Array(RecordJSON.encode(value))))
    }

    /// A record of a list, by its cursor.
    package mutating func delete(at cursor: [UInt8]) throws(VaultError) {
        guard try revision(cursor) > 0 else { return }
        write(cursor, nil)
    }

    private mutating func write(_ key: [UInt8], _ content: EngineChange.Content?, _ value: (any Sendable)? = nil) {
        writes[key] = Batch.Write(content: content, value: value)
    }

    private func revision(_ key: [UInt8]) throws(VaultError) -> Int64 {
        try engineRecord(key)?.revision ?? 0
    }

    package func engineRecord(_ key: [UInt8]) throws(VaultError) -> EngineRecord? {
        if let write = writes[key] ?? earlier.writes[key] {
            return write.content.map { EngineRecord(key: key, revision: $0.revision, value: $0.value) }
        }
        return try earlier.engineRecord(key, in: vault)
    }

    package func decodedValue<Value>(of record: EngineRecord, as type: Value.Type) -> Value? {
        if let write = writes[record.key] ?? earlier.writes[record.key] { return write.value as? Value }
        return vault.decoded.value(of: record.key, revision: record.revision, as: type)
    }

    package func engineRange(_ prefix: [UInt8], after: [UInt8]?, order: RangeOrder, limit: Int) throws(VaultError) -> [EngineRecord] {
        precondition(writes.isEmpty && earlier.writes.isEmpty, "a range inside a transaction would not see the batch's writes")
        do { return try vault.engine.range(prefix, after: after, order: order, limit: limit) } catch { throw VaultError(error) }
    }
}

/// What a transaction came to: either nothing was written, or there is an audit entry for it.
package enum Change<Outcome: Sendable>: Sendable {
    case unchanged(Outcome)
    case changed(Outcome, AuditEvent)
}
