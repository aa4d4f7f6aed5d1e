import FoundationEssentials
package import Secrets

/// Typed reading of records, inside a transaction or beside it.
package protocol RecordReader {
    var vault: OpenVault { get }
    func engineRecord(_ key: [UInt8]) throws(VaultError) -> EngineRecord?
    /// The value of a record where it is known already, for the very revision of `record`.
    func decodedValue<Value>(of record: EngineRecord, as type: Value.Type) -> Value?
    func engineRange(_ prefix: [UInt8], after: [UInt8]?, order: RangeOrder, limit: Int) throws(VaultError) -> [EngineRecord]
}

/// A record with what the engine knows of it.
package struct Stored<Value: Sendable>: Sendable {
    package let value: Value
    package let revision: Int64
    /// Where a list goes on after it; says nothing to who has not the index key.
    package let cursor: [UInt8]
}

extension RecordReader {
    package func get<Value: Decodable & Sendable>(_ kind: RecordKind<Value>, _ key: RecordKey) throws(VaultError) -> Value? {
        try stored(kind, key)?.value
    }

    package func stored<Value: Decodable & Sendable>(_ kind: RecordKind<Value>, _ key: RecordKey) throws(VaultError) -> Stored<Value>? {
        guard let record = try engineRecord(vault.engineKey(kind, key)) else { return nil }
        if let value = decodedValue(of: record, as: Value.self) {
            return Stored(value: value, revision: record.revision, cursor: record.key)
        }
        let stored = try opened(record, kind)
        remember(stored.value, of: record)
        return stored
    }

    package func get(_ kind: RecordKind<Secret>, _ key: RecordKey) throws(VaultError) -> Secret? {
        guard let record = try engineRecord(vault.engineKey(kind, key)) else { return nil }
        return try vault.openSecret(record, kind: kind.name)
    }

    /// What is read by name is likely to be read again soon; what a list passes by is not.
    private func remember(_ value: any Sendable, of record: EngineRecord) {
        vault.decoded.remember(value, of: record.key, revision: record.revision)
    }

    /// All of a kind, or those under one name; `after` is a cursor of the same list.
    package func list<Value: Decodable & Sendable>(
        _ kind: RecordKind<Value>, under name: String? = nil, after: [UInt8]? = nil, order: RangeOrder = .ascending, limit: Int
    ) throws(VaultError) -> [Stored<Value>] {
        let prefix = name.map { vault.engineKey(kind, .named($0)) } ?? [kind.tag]
        var items: [Stored<Value>] = []
        for record in try engineRange(prefix, after: after, order: order, limit: limit) {
            items.append(try opened(record, kind))
        }
        return items
    }

    private func opened<Value: Decodable & Sendable>(_ record: EngineRecord, _ kind: RecordKind<Value>) throws(VaultError) -> Stored<Value>
    {
        let plaintext = try vault.open(record, kind: kind.name)
        guard let value = try? RecordJSON.decode(Value.self, from: plaintext) else { throw .damaged(kind: kind.name) }
        return Stored(value: value, revision: record.revision, cursor: record.key)
    }
}

/// Reads what is durable.
package struct VaultView: RecordReader {
    package let vault: OpenVault

    package init(vault: OpenVault) {
        self.vault = vault
    }

    package func decodedValue<Value>(of record: EngineRecord, as type: Value.Type) -> Value? {
        vault.decoded.value(of: record.key, revision: record.revision, as: type)
    }

    package func engineRecord(_ key: [UInt8]) throws(VaultError) -> EngineRecord? {
        do { return try vault.engine.get(key) } catch { throw VaultError(error) }
    }

    package func engineRange(_ prefix: [UInt8], after: [UInt8]?, order: RangeOrder, limit: Int) throws(VaultError) -> [EngineRecord] {
        do { return try vault.engine.range(prefix, after: after, order: order, limit: limit) } catch { throw VaultError(error) }
    }
}

/// How records that hold no secret are written.
enum RecordJSON {
    static func encode(_ value: some Encodable) -> Data {
        do { return try JSONEncoder().encode(value) } catch { fatalError("a record type that can't be encoded: \(error)") }
    }

    static func decode<Value: Decodable>(_ type: Value.Type, from data: Data) throws -> Value {
        try JSONDecoder().decode(type, from: data)
    }
}

extension OpenVault {
    /// Where a list goes on after a record that need not exist.
    package func cursor<Value: ~Copyable>(_ kind: RecordKind<Value>, _ key: RecordKey) -> [UInt8] {
        engineKey(kind, key)
    }
}
