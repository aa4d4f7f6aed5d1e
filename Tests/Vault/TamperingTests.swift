import Model
import Secrets
import TestSupport
import Testing
import Vault

/// Somebody who can write the disk, but has no key.
@Suite struct `Records that were tampered with` {
    /// A vault with two notes, a memo of the same name and two secrets, and the engine that holds it.
    private static func filled() async throws -> (engine: MemoryEngine, store: VaultStore) {
        let engine = MemoryEngine()
        let store = try await newVault(in: engine)
        try await store.put(.note, "a", "the first note")
        try await store.put(.note, "b", "the second note")
        try await store.put(.memo, "a", "a memo")
        try await store.putJewel("a", "ruby")
        try await store.putJewel("b", "opal")
        return (engine, store)
    }

    private static func records(_ tag: UInt8, in engine: MemoryEngine) -> [EngineRecord] {
        engine.records.filter { $0.key.first == tag }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    }

    private static func expectRefused(_ kind: String, _ read: () async throws -> Void, _ comment: Comment = "") async {
        await #expect(throws: VaultError.damaged(kind: kind), comment) { try await read() }
    }

    private static func readNotes(_ store: VaultStore) async throws {
        await store.forgetDecoded()
        for name in ["a", "b"] { _ = try await store.note(.note, name) }
    }

    private static func readJewels(_ store: VaultStore) async throws {
        for name in ["a", "b"] { _ = try await store.jewel(name) }
    }

    @Test func `two of a kind that changed places are refused by name`() async throws {
        let (engine, store) = try await Self.filled()
        for (tag, kind) in [(UInt8(0x70), "note"), (0x72, "jewel")] {
            let (one, two) = (Self.records(tag, in: engine)[0], Self.records(tag, in: engine)[1])
            engine.replace(one.key, with: EngineRecord(key: one.key, revision: two.revision, value: two.value))
            engine.replace(two.key, with: EngineRecord(key: two.key, revision: one.revision, value: one.value))
            await Self.expectRefused(kind) { tag == 0x70 ? try await Self.readNotes(store) : try await Self.readJewels(store) }
        }
    }

    @Test func `one that was moved to another kind or a place of its own is refused by name`() async throws {
        let (engine, store) = try await Self.filled()
        let note = try #require(Self.records(0x70, in: engine).first)
        let memo = try #require(Self.records(0x71, in: engine).first)
        engine.replace(memo.key, with: EngineRecord(key: memo.key, revision: note.revision, value: note.value))
        await store.forgetDecoded()
        await Self.expectRefused("memo") { _ = try await store.note(.memo, "a") }
        let jewel = try #require(Self.records(0x72, in: engine).first)
        let elsewhere: [UInt8] = Array(jewel.key.dropLast()) + [jewel.key.last! ^ 1]
        engine.replace(elsewhere, with: EngineRecord(key: elsewhere, revision: jewel.revision, value: jewel.value))
        engine.replace(note.key, with: EngineRecord(key: note.key, revision: note.revision, value: jewel.value))
        await Self.expectRefused("note") { try await Self.readNotes(store) }
        await Self.expectRefused("note") { _ = try await store.read { try $0.list(.note, limit: 10).count } }
    }

    @Test func `an older content under a newer revision, or the reverse, is refused by name`() async throws {
        let (engine, store) = try await Self.filled()
        let before = Self.records(0x70, in: engine)
        try await store.put(.note, "a", "changed")
        try await store.put(.note, "b", "changed")
        for (old, new) in zip(before, Self.records(0x70, in: engine)) {
            engine.replace(old.key, with: EngineRecord(key: old.key, revision: new.revision, value: old.value))
            await Self.expectRefused("note") { try await Self.readNotes(store) }
            engine.replace(old.key, with: EngineRecord(key: old.key, revision: old.revision, value: new.value))
            await Self.expectRefused("note") { try await Self.readNotes(store) }
            engine.replace(old.key, with: new)
        }
        try await Self.readNotes(store)
    }

    @Test func `one that was cut, anywhere, is refused by name`() async throws {
        let (engine, store) = try await Self.filled()
        for (tag, kind) in [(UInt8(0x70), "note"), (0x72, "jewel")] {
            let record = Self.records(tag, in: engine)[0]
            for length in 0..<record.value.count {
                engine.replace(
                    record.key, with: EngineRecord(key: record.key, revision: record.revision, value: Array(record.value.prefix(length))))
                await Self.expectRefused(
                    kind, { tag == 0x70 ? try await Self.readNotes(store) : try await Self.readJewels(store) }, "cut to \(length)")
            }
            engine.replace(record.key, with: EngineRecord(key: record.key, revision: record.revision, value: record.value + [0]))
            await Self.expectRefused(kind) { tag == 0x70 ? try await Self.readNotes(store) : try await Self.readJewels(store) }
            engine.replace(record.key, with: record)
        }
    }

    @Test func `a single bit that was turned, anywhere, is refused by name`() async throws {
        let (engine, store) = try await Self.filled()
        for (tag, kind) in [(UInt8(0x70), "note"), (0x72, "jewel")] {
            let record = Self.records(tag, in: engine)[0]
            for index in record.value.indices {
                var value = record.value
                value[index] ^= 1 << UInt8(index % 8)
                engine.replace(record.key, with: EngineRecord(key: record.key, revision: record.revision, value: value))
                await Self.expectRefused(
                    kind, { tag == 0x70 ? try await Self.readNotes(store) : try await Self.readJewels(store) }, "byte \(index)")
            }
            engine.replace(record.key, with: record)
        }
        try await Self.readNotes(store)
        try await Self.readJewels(store)
    }

    @Test func `nothing is written over one that can't be read`() async throws {
        let (engine, store) = try await Self.filled()
        let audit = Self.records(0x03, in: engine)
        let last = try #require(audit.last)
        engine.replace(last.key, with: EngineRecord(key: last.key, revision: last.revision, value: Array(last.value.dropLast())))
        await #expect(throws: VaultError.damaged(kind: "audit entry")) { _ = try await openedVault(in: engine) }
        _ = store
    }

    @Test(arguments: [(UInt8(0x01), "header"), (0x02, "slot")]) func `a header or slot that is no JSON keeps the vault closed`(
        _ tag: UInt8, _ kind: String
    ) async throws {
        let (engine, _) = try await Self.filled()
        let record = try #require(Self.records(tag, in: engine).first)
        engine.replace(record.key, with: EngineRecord(key: record.key, revision: record.revision, value: Array("{}".utf8)))
        await #expect(throws: VaultError.damaged(kind: kind)) { _ = try await openedVault(in: engine) }
        engine.replace(record.key, with: nil)
        await #expect(throws: VaultError.damaged(kind: kind)) { _ = try await openedVault(in: engine) }
    }

    @Test func `a slot whose wrapped key was changed opens nothing`() async throws {
        let (engine, _) = try await Self.filled()
        let record = try #require(Self.records(0x02, in: engine).first)
        var json = String(decoding: record.value, as: UTF8.self)
        let start = try #require(json.firstRange(of: #""wrapped":""#)?.upperBound)
        json.replaceSubrange(start...start, with: json[start] == "A" ? "B" : "A")
        engine.replace(record.key, with: EngineRecord(key: record.key, revision: record.revision, value: Array(json.utf8)))
        await #expect(throws: VaultError.wrongKey) { _ = try await openedVault(in: engine) }
    }
}
