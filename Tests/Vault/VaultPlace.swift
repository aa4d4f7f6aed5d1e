import FoundationEssentials
import Model
import SQLiteEngine
import Secrets
import Synchronization
import TestSupport
import Vault

/// A folder of a test's own, removed at its end.
struct VaultPlace {
    let path: String

    init() throws {
        // In memory where there is a place for it: nothing is proven by a disk that is slow.
        let base = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : "/tmp"
        path = "\(base)/kt-vault-\(UUID().uuidString.prefix(8).lowercased())"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}

func key(_ byte: UInt8) -> Secret {
    Secret(count: 32) { $0.copyBytes(from: repeatElement(byte, count: 32)) }
}

func text(_ secret: borrowing Secret) -> String {
    secret.withBytes { bytes in String(decoding: (0..<bytes.byteCount).map { bytes.byte($0) }, as: UTF8.self) }
}

func secret(_ text: String) -> Secret {
    Secret(count: text.utf8.count) { $0.copyBytes(from: text.utf8) }
}

let someTime = Timestamp(milliseconds: 1_800_000_000_000)

/// Records of the tests' own.
struct Note: Codable, Sendable, Equatable {
    var text: String
}

extension RecordKind where Value == Note {
    static let note = RecordKind(tag: 0x70, name: "note")
    static let memo = RecordKind(tag: 0x71, name: "memo")
}

extension RecordKind where Value == Secret {
    static let jewel = RecordKind(tag: 0x72, name: "jewel")
}

/// Hears of entries, in order.
final class Listener: AuditAudience {
    private let heard = Mutex<[Int64]>([])
    private let rooms = Mutex<[VaultStore.Room]>([])
    var seqs: [Int64] { heard.withLock { $0 } }
    var roomChanges: [VaultStore.Room] { rooms.withLock { $0 } }
    func roomChanged(to room: VaultStore.Room) { rooms.withLock { $0.append(room) } }
    func notRecorded(_ changes: Int) {}
    func recorded(_ entry: AuditEntry) { heard.withLock { $0.append(entry.seq) } }
}

/// Counts the commits of another one.
final class CountingEngine: Engine {
    private let inner: any Engine
    private let counter = Mutex(0)

    init(_ inner: any Engine) { self.inner = inner }

    var commits: Int { counter.withLock { $0 } }

    func get(_ key: [UInt8]) throws(EngineError) -> EngineRecord? { try inner.get(key) }

    func range(_ prefix: [UInt8], after: [UInt8]?, order: RangeOrder, limit: Int) throws(EngineError) -> [EngineRecord] {
        try inner.range(prefix, after: after, order: order, limit: limit)
    }

    func commit(_ changes: [EngineChange]) throws(EngineError) {
        counter.withLock { $0 += 1 }
        try inner.commit(changes)
    }

    func snapshot() throws(EngineError) -> any EngineSnapshot { try inner.snapshot() }

    var reserve: (any Reserve)? { inner.reserve }

    func rewrite(
        _ becoming: (EngineRecord) throws(VaultError) -> EngineChange.Content?, last: () throws(VaultError) -> [EngineChange]
    ) throws(VaultError) {
        counter.withLock { $0 += 1 }
        try inner.rewrite(becoming, last: last)
    }

    func keepCopy(named name: String) throws(EngineError) { try inner.keepCopy(named: name) }

    func forgetReplaced() throws(EngineError) { try inner.forgetReplaced() }

    func close() { inner.close() }
}

/// A new vault in an engine, unsealed.
func newVault(
    in engine: any Engine, recovery: BoxPublicKey? = nil, mirror: (any CounterMirror)? = nil, audience: any AuditAudience = Listener()
) async throws -> VaultStore {
    let random = SeededRandom(seed: 7)
    try OpenVault.create(in: engine, unlockKey: key(1), recovery: recovery, owner: nil, at: someTime, random: random)
    return try await openedVault(in: engine, mirror: mirror, audience: audience)
}

func openedVault(
    in engine: any Engine, mirror: (any CounterMirror)? = nil, audience: any AuditAudience = Listener()
) async throws -> VaultStore {
    let store = VaultStore(audience: audience, mirror: mirror, kindNames: [0x70: "note", 0x71: "memo", 0x72: "jewel"])
    let random = SeededRandom(seed: 8)
    try await store.unseal(ordinary) { () throws(VaultError) in
        try OpenVault.open(engine, unlockKey: key(1), at: someTime, random: random)
    }
    return store
}

let ordinary = Admission(at: someTime, by: nil, machine: nil, older: .refused)

extension VaultStore {
    /// Writes one record with its audit entry.
    nonisolated func put(_ kind: RecordKind<Note>, _ name: String, _ text: String) async throws {
        try await write { transaction in
            try transaction.put(kind, .named(name), Note(text: text))
            return .changed((), AuditEvent(at: someTime, "note.put", by: nil))
        }
    }

    nonisolated func putJewel(_ name: String, _ text: String) async throws {
        try await write { transaction in
            try transaction.put(.jewel, .named(name), secret(text))
            return .changed((), AuditEvent(at: someTime, "jewel.put", by: nil))
        }
    }

    nonisolated func note(_ kind: RecordKind<Note>, _ name: String) async throws -> String? {
        try await read { try $0.get(kind, .named(name))?.text }
    }

    nonisolated func jewel(_ name: String) async throws -> String? {
        guard let secret = try await readSecret({ try $0.get(.jewel, .named(name)) }) else { return nil }
        return text(secret)
    }
}
