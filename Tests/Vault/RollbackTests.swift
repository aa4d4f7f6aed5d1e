import Model
import SQLiteEngine
import Secrets
import TestSupport
import Testing
import Vault

@Suite struct `A vault altered behind the daemon's back` {
    private static func filled(_ mirror: MemoryMirror) async throws -> MemoryEngine {
        let engine = MemoryEngine()
        let store = try await newVault(in: engine, mirror: mirror)
        for name in ["a", "b", "c"] { try await store.put(.note, name, "one") }
        try await store.putJewel("a", "ruby")
        await store.seal()
        return engine
    }

    private static func expect(_ error: VaultError, from engine: any Engine, _ mirror: MemoryMirror) async throws {
        let store = try await openedVault(in: engine, mirror: mirror)
        #expect(try await store.note(.note, "b") != "never written", "reading is possible at once")
        await #expect(throws: error) { try await store.settle() }
        #expect(await store.sealedBecause == error)
        await #expect(throws: error) { try await store.put(.note, "d", "later") }
    }

    private static func record(_ tag: UInt8, in engine: MemoryEngine) throws -> EngineRecord {
        try #require(engine.records.sorted { $0.key.lexicographicallyPrecedes($1.key) }.first { $0.key[0] == tag })
    }

    @Test(arguments: [0x70, 0x72, 0x03, 0x05] as [UInt8]) func `is sealed when a record is missing`(_ tag: UInt8) async throws {
        let mirror = MemoryMirror()
        let engine = try await Self.filled(mirror)
        engine.replace(try Self.record(tag, in: engine).key, with: nil)
        try await Self.expect(.altered, from: engine, mirror)
    }

    @Test func `is sealed when a record is as it had been before`() async throws {
        let mirror = MemoryMirror()
        let engine = try await Self.filled(mirror)
        let before = engine.records
        let store = try await openedVault(in: engine, mirror: mirror)
        for name in ["a", "b", "c"] { try await store.put(.note, name, "two") }
        await store.seal()
        for record in before where record.key[0] == 0x70 {
            let now = try #require(try engine.get(record.key))
            engine.replace(record.key, with: record)
            try await Self.expect(.altered, from: engine, mirror)
            engine.replace(record.key, with: now)
        }
        try await openedVault(in: engine, mirror: mirror).settle()
    }

    @Test func `is sealed when what was deleted and written again is put back, although both have the same revision`() async throws {
        let mirror = MemoryMirror()
        let engine = try await Self.filled(mirror)
        let before = engine.records
        let store = try await openedVault(in: engine, mirror: mirror)
        try await store.write { transaction in
            for name in ["a", "b", "c"] { try transaction.delete(.note, .named(name)) }
            return .changed((), AuditEvent(at: someTime, "note.deleted", by: nil))
        }
        for name in ["a", "b", "c"] { try await store.put(.note, name, "two") }
        await store.seal()
        let old = try #require(before.first { $0.key[0] == 0x70 })
        let new = try #require(try engine.get(old.key))
        #expect(old.revision == new.revision && old.value != new.value)
        engine.replace(old.key, with: old)
        try await Self.expect(.altered, from: engine, mirror)
    }

    @Test func `is sealed when a deleted record comes back`() async throws {
        let mirror = MemoryMirror()
        let engine = try await Self.filled(mirror)
        let old = try Self.record(0x70, in: engine)
        let store = try await openedVault(in: engine, mirror: mirror)
        try await store.write { transaction in
            for name in ["a", "b", "c"] { try transaction.delete(.note, .named(name)) }
            return .changed((), AuditEvent(at: someTime, "note.deleted", by: nil))
        }
        await store.seal()
        engine.replace(old.key, with: old)
        try await Self.expect(.altered, from: engine, mirror)
    }

    @Test func `names the kind of a record that is not genuine`() async throws {
        let mirror = MemoryMirror()
        let engine = try await Self.filled(mirror)
        for (tag, kind) in [(0x70, "note"), (0x72, "jewel"), (0x08, "index key"), (0x07, "slot list")] as [(UInt8, String)] {
            let record = try Self.record(tag, in: engine)
            let last = try #require(record.value.last)
            engine.replace(
                record.key, with: EngineRecord(key: record.key, revision: record.revision, value: record.value.dropLast() + [last ^ 1]))
            let found: VaultError?
            do {
                try await openedVault(in: engine, mirror: mirror).settle()
                found = nil
            } catch {
                found = error as? VaultError
            }
            #expect(found == .damaged(kind: kind))
            engine.replace(record.key, with: record)
        }
    }

    @Test(arguments: [0x01, 0x02] as [UInt8]) func `is sealed when what is not encrypted was changed`(_ tag: UInt8) async throws {
        let mirror = MemoryMirror()
        let engine = try await Self.filled(mirror)
        let record = try Self.record(tag, in: engine)
        engine.replace(record.key, with: EngineRecord(key: record.key, revision: record.revision, value: record.value + [0x20]))
        try await Self.expect(.altered, from: engine, mirror)
    }

    @Test func `is found on the disk as well, among many records`() async throws {
        let place = try VaultPlace()
        defer { place.remove() }
        let path = "\(place.path)/v.db"
        let mirror = MemoryMirror()
        let store = try await newVault(in: SQLiteFile(path: path, mode: .create, lock: nil), mirror: mirror)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<600 { group.addTask { try await store.put(.note, "\(number)", "text") } }
            try await group.waitForAll()
        }
        await store.seal()
        let engine = try SQLiteFile(path: path, mode: .open, lock: nil)
        try await openedVault(in: engine, mirror: mirror).settle()
        let record = try #require(try engine.range([0x70], after: nil, order: .descending, limit: 1).first)
        try engine.commit([EngineChange(key: record.key, expecting: record.revision, becomes: nil)])
        await #expect(throws: VaultError.altered) { try await openedVault(in: engine, mirror: mirror).settle() }
    }
}

@Suite struct `An older copy of a vault` {
    /// A vault, its mirror, and a copy of it from before its last commits.
    private static func copied() async throws -> (MemoryEngine, MemoryMirror, old: [EngineRecord]) {
        let (engine, mirror) = (MemoryEngine(), MemoryMirror())
        let store = try await newVault(in: engine, mirror: mirror)
        try await store.put(.note, "a", "one")
        let old = engine.records
        try await store.put(.note, "a", "two")
        await store.seal()
        return (engine, mirror, old)
    }

    private static let accepting = Admission(at: someTime, by: nil, machine: nil, older: .accepted)

    private static func opened(_ engine: MemoryEngine, _ mirror: MemoryMirror, _ admission: Admission, seed: UInt64 = 9) async throws
        -> VaultStore
    {
        let store = VaultStore(audience: Listener(), mirror: mirror)
        let random = SeededRandom(seed: seed)
        try await store.unseal(admission) { () throws(VaultError) in
            try OpenVault.open(engine, unlockKey: key(1), at: someTime, random: random)
        }
        try await store.settle()
        return store
    }

    @Test func `is refused, until somebody accepts it, and is in quarantine then`() async throws {
        let (engine, mirror, old) = try await Self.copied()
        engine.records = old
        let commits = engine.commits
        await #expect(throws: VaultError.older(counter: 2, mirror: 3)) { _ = try await Self.opened(engine, mirror, ordinary) }
        #expect(engine.commits == commits && VaultError.older(counter: 2, mirror: 3).code == "vault-older")
        let store = try await Self.opened(engine, mirror, Self.accepting)
        #expect(try await store.note(.note, "a") == "one")
        let state = try await store.read { try $0.vaultState() }
        #expect(state.quarantine?.why == .older && state.quarantine?.since == someTime)
        #expect(state.counter == 4, "no copy in between may pass for this one")
        await store.seal()
        let again = try await Self.opened(engine, mirror, ordinary)
        #expect(try await again.read { try $0.vaultState().quarantine?.id } == state.quarantine?.id, "accepted once for all")
    }

    @Test func `is refused in quarantine as well, and is in another one then`() async throws {
        let (engine, mirror, old) = try await Self.copied()
        engine.records = old
        let store = try await Self.opened(engine, mirror, Self.accepting)
        let first = try #require(try await store.read { try $0.vaultState().quarantine })
        let copy = engine.records
        // A config may leave the quarantine here, by a newer key.
        try await store.put(.note, "a", "newer")
        await store.seal()
        engine.records = copy
        await #expect(throws: VaultError.older(counter: 4, mirror: 5)) { _ = try await Self.opened(engine, mirror, ordinary) }
        let again = try await Self.opened(engine, mirror, Self.accepting, seed: 10)
        let second = try #require(try await again.read { try $0.vaultState().quarantine })
        #expect(second.why == .older && second.id != first.id)
    }

    @Test(arguments: [nil, "", "{}", #"{"counter":3,"macs":["00"]}"#]) func `can't be told from today's without its mirror`(
        _ content: String?
    ) async throws {
        let (engine, mirror, _) = try await Self.copied()
        mirror.bytes = content.map { Array($0.utf8) }
        do {
            _ = try await Self.opened(engine, mirror, ordinary)
            Issue.record("it was opened")
        } catch let error as VaultError {
            guard case .noMirror = error else { throw error }
        }
        let store = try await Self.opened(engine, mirror, Self.accepting)
        #expect(try await store.read { try $0.vaultState().quarantine?.why } == .older)
        await store.seal()
        _ = try await Self.opened(engine, mirror, ordinary)
    }

    @Test func `is not what a vault is whose mirror lags behind, as after a crash`() async throws {
        let (engine, mirror, _) = try await Self.copied()
        let lagging = mirror.bytes
        let store = try await Self.opened(engine, mirror, ordinary)
        try await store.put(.note, "a", "three")
        #expect(mirror.bytes == lagging, "commits don't wait for it")
        let after = try await Self.opened(engine, mirror, ordinary)
        #expect(try await after.read { try $0.vaultState().quarantine } == nil)
        await after.mirrorCounter()
        #expect(mirror.bytes != lagging)
    }

    @Test func `is not what a new vault is, which gets its mirror before its first record`() async throws {
        let (engine, mirror) = (MemoryEngine(), MemoryMirror())
        let store = try await newVault(in: engine, mirror: mirror)
        #expect(mirror.bytes == nil)
        try await store.put(.note, "a", "one")
        #expect(mirror.bytes != nil)
        _ = try await Self.opened(engine, mirror, ordinary)
    }
}

@Suite struct `A vault of another machine` {
    private static func opened(_ engine: MemoryEngine, on machine: String?, seed: UInt64 = 9) async throws -> VaultStore {
        let store = VaultStore(audience: Listener())
        let random = SeededRandom(seed: seed)
        try await store.unseal(Admission(at: someTime, by: nil, machine: machine, older: .refused)) { () throws(VaultError) in
            try OpenVault.open(engine, unlockKey: key(1), at: someTime, random: random)
        }
        try await store.settle()
        return store
    }

    @Test func `opens in quarantine, until it is taken over`() async throws {
        let engine = MemoryEngine()
        try OpenVault.create(
            in: engine, unlockKey: key(1), recovery: nil, owner: "one", at: someTime, random: SeededRandom(seed: 7))
        for machine in ["one", nil] {
            let store = try await Self.opened(engine, on: machine)
            #expect(try await store.read { try $0.vaultState().quarantine } == nil)
        }
        let store = try await Self.opened(engine, on: "two")
        let quarantine = try #require(try await store.read { try $0.vaultState().quarantine })
        #expect(quarantine.why == .otherMachine)
        for machine in ["two", nil] {
            let same = try await Self.opened(engine, on: machine)
            #expect(try await same.read { try $0.vaultState().quarantine?.id } == quarantine.id)
        }
        let third = try await Self.opened(engine, on: "three", seed: 10)
        let another = try #require(try await third.read { try $0.vaultState().quarantine })
        #expect(another.why == .otherMachine && another.id != quarantine.id, "a config may have left the quarantine on the other")
        try await third.write { transaction in
            try transaction.changeState { state in
                state.owner = "two"
                state.quarantine = nil
            }
            return .changed((), AuditEvent(at: someTime, "vault.taken-over", by: nil))
        }
        #expect(try await third.read { try $0.vaultState().owner } == "two")
        let again = try await Self.opened(engine, on: "two")
        #expect(try await again.read { try $0.vaultState().quarantine } == nil)
    }
}
