import FoundationEssentials
import Secrets

/// An unsealed vault: an engine and the keys that make sense of it. Every record that it returns was checked to be in its place.
package final class OpenVault: Sendable {
    let engine: any Engine
    let decoded = DecodedRecords()
    let rootKey: Secret
    let random: any RandomSource
    private let recordKey: Secret
    private let setKey: Secret
    private let mirrorKey: Secret
    /// From the index key, since what was exported must be known again after the root key was replaced.
    let auditKey: Secret
    /// Random, and kept when the root key is replaced: no record says which name its key was hashed from.
    let indexKey: Secret
    /// Bound into every sealed record, so that another format can't be mistaken for this one.
    private let format: Int

    static let format = 2
    static let stateKey: [UInt8] = [RecordTag.state]
    /// Plaintexts are padded to a multiple of this, so that their sizes tell little.
    private static let paddingBlock = 256
    private static let lengthBytes = 4

    init(engine: any Engine, rootKey: consuming Secret, indexKey: consuming Secret, format: Int = format, random: any RandomSource) {
        self.engine = engine
        self.random = random
        self.format = format
        recordKey = rootKey.derived(context: "records_")
        setKey = rootKey.derived(context: "set_____")
        mirrorKey = rootKey.derived(context: "mirror__")
        auditKey = indexKey.derived(context: "audit___")
        self.rootKey = rootKey
        self.indexKey = indexKey
    }

    /// Finds the index key among the records.
    convenience init(engine: any Engine, rootKey: consuming Secret, random: any RandomSource) throws(VaultError) {
        let kind = RecordKind.indexKey
        let blind = OpenVault(engine: engine, rootKey: rootKey.clone(), indexKey: Secret(random: 32, from: random), random: random)
        guard let indexKey = try VaultView(vault: blind).get(kind, .only), indexKey.count == 32 else { throw .damaged(kind: kind.name) }
        self.init(engine: engine, rootKey: rootKey, indexKey: indexKey, random: random)
    }

    /// The same vault under another root key.
    func rekeyed(_ rootKey: consuming Secret) -> OpenVault {
        OpenVault(engine: engine, rootKey: rootKey, indexKey: indexKey.clone(), format: format, random: random)
    }

    // MARK: Keys

    func engineKey<Value: ~Copyable>(_ kind: RecordKind<Value>, _ key: RecordKey) -> [UInt8] {
        switch key {
        case .only: [kind.tag]
        case .named(let name): [kind.tag] + hash(kind.tag, name, 16)
        case .numbered(let name, let number): [kind.tag] + hash(kind.tag, name, 16) + bigEndian(UInt64(number), 4)
        case .timed(let milliseconds, let id): [kind.tag] + bigEndian(milliseconds, 6) + hash(kind.tag, id, 16).prefix(10)
        case .namedTimed(let name, let milliseconds, let id):
            [kind.tag] + hash(kind.tag, name, 16) + bigEndian(milliseconds, 6) + hash(kind.tag, id, 16).prefix(10)
        case .sequence(let number): [kind.tag] + bigEndian(UInt64(number), 8)
        }
    }

    private func hash(_ tag: UInt8, _ name: String, _ count: Int) -> [UInt8] {
        indexKey.withBytes { Blake2b.hash([tag] + name.utf8, key: $0, count: count) }
    }

    /// What a record adds to the hash over all.
    func digest(of record: EngineRecord) -> RecordSetHash.Digest {
        setKey.withBytes { RecordSetHash.Digest(key: record.key, revision: record.revision, value: record.value, with: $0) }
    }

    /// Vouches for a counter outside the vault.
    func mirrorMAC(of counter: Int64) -> [UInt8] {
        mirrorKey.withBytes { Blake2b.hash(Array("keyturn counter \(counter)".utf8), key: $0, count: 32) }
    }

    private func bigEndian(_ number: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * (count - 1 - $0))) }
    }

    // MARK: Sealing

    func seal(_ plaintext: Data, at key: [UInt8], revision: Int64) -> [UInt8] {
        let padded = Self.padded(plaintext.count)
        var bytes = [UInt8](repeating: 0, count: padded)
        bytes.replaceSubrange(0..<plaintext.count, with: plaintext)
        for index in 0..<Self.lengthBytes {
            bytes[padded - Self.lengthBytes + index] = UInt8(truncatingIfNeeded: plaintext.count >> (8 * index))
        }
        return sealed(padded: bytes, at: key, revision: revision)
    }

    func sealed(padded bytes: [UInt8], at key: [UInt8], revision: Int64) -> [UInt8] {
        recordKey.withBytes { recordKey in
            Cipher.seal(bytes.span.bytes, associated: place(key, revision), key: recordKey, random: random)
        }
    }

    func seal(_ plaintext: borrowing Secret, at key: [UInt8], revision: Int64) -> [UInt8] {
        let count = plaintext.count
        let padded = plaintext.withBytes { bytes in
            Secret(count: Self.padded(count)) { target in
                for index in 0..<target.count { target[index] = 0 }
                for index in 0..<Self.lengthBytes {
                    target[target.count - Self.lengthBytes + index] = UInt8(truncatingIfNeeded: count >> (8 * index))
                }
                bytes.copy(into: target)
            }
        }
        return padded.withBytes { bytes in
            recordKey.withBytes { recordKey in
                Cipher.seal(bytes, associated: place(key, revision), key: recordKey, random: random)
            }
        }
    }

    func open(_ record: EngineRecord, kind: String) throws(VaultError) -> Data {
        do {
            let bytes = try recordKey.withBytes { (key) throws(Cipher.Forged) in
                try Cipher.open(record.value, associated: place(record.key, record.revision), key: key)
            }
            let count = try Self.length(bytes.span.bytes)
            return Data(bytes[..<count])
        } catch {
            throw .damaged(kind: kind)
        }
    }

    func openSecret(_ record: EngineRecord, kind: String) throws(VaultError) -> Secret {
        do {
            var secret = try recordKey.withBytes { (key) throws(Cipher.Forged) in
                try Cipher.openSecret(record.value, associated: place(record.key, record.revision), key: key)
            }
            secret.truncate(to: try secret.withBytes { (bytes) throws(Cipher.Forged) in try Self.length(bytes) })
            return secret
        } catch {
            throw .damaged(kind: kind)
        }
    }

    /// Of what was padded: it stands at the end, so that a secret stays where it was opened.
    private static func length(_ padded: RawSpan) throws(Cipher.Forged) -> Int {
        let start = padded.byteCount - lengthBytes
        guard start >= 0 else { throw Cipher.Forged() }
        let count = (0..<lengthBytes).reduce(0) { $0 | Int(padded.byte(start + $1)) << (8 * $1) }
        guard count <= start else { throw Cipher.Forged() }
        return count
    }

    /// What was sealed in this vault, sealed for `other` in the same place, one revision on; without a look at it.
    func reseal(_ record: EngineRecord, for other: OpenVault, kind: String) throws(VaultError) -> EngineChange.Content {
        let padded: Secret
        do {
            padded = try recordKey.withBytes { (key) throws(Cipher.Forged) in
                try Cipher.openSecret(record.value, associated: place(record.key, record.revision), key: key)
            }
        } catch {
            throw .damaged(kind: kind)
        }
        let revision = record.revision + 1
        let value = padded.withBytes { bytes in
            other.recordKey.withBytes { key in
                Cipher.seal(bytes, associated: other.place(record.key, revision), key: key, random: random)
            }
        }
        return EngineChange.Content(revision: revision, value: value)
    }

    /// Keeps the keys readable while `body` runs: a batch of records opens them once.
    func withKeys<Output, E: Error>(_ body: () throws(E) -> Output) throws(E) -> Output {
        try recordKey.withBytes { (_) throws(E) in
            try indexKey.withBytes { (_) throws(E) in
                try setKey.withBytes { (_) throws(E) in try auditKey.withBytes { (_) throws(E) in try body() } }
            }
        }
    }

    private static func padded(_ count: Int) -> Int {
        (count + lengthBytes + paddingBlock - 1) / paddingBlock * paddingBlock
    }

    /// Where a record belongs: format, key (which begins with the kind) and revision. Sealed in, so that it opens nowhere else.
    private func place(_ key: [UInt8], _ revision: Int64) -> [UInt8] {
        Array("keyturn".utf8) + [UInt8(format)] + (0..<8).map { UInt8(truncatingIfNeeded: revision >> Int64(8 * (7 - $0))) } + key
    }
}

extension RecordKind where Value == Secret {
    static let indexKey = RecordKind(tag: RecordTag.indexKey, name: "index key")
}
