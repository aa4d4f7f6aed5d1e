import FoundationEssentials
import Model
import SQLiteEngine
import Secrets
import TestSupport
import Testing
import Vault

extension VaultStore {
    /// Adds a way in by another key file.
    nonisolated func addKey(_ byte: UInt8) async throws -> String {
        try await write { transaction in
            let entry = SlotEntry.owned(
                .credential, by: SlotSecret(unlockKey: key(byte)), name: "second", vaultKey: try transaction.vaultPublicKey(),
                at: someTime, random: SeededRandom(seed: UInt64(byte)))
            try transaction.addSlot(entry)
            return .changed(entry.id, AuditEvent(at: someTime, "slot.added", by: nil))
        }
    }

    nonisolated func slotIDs() async throws -> [String] { try await read { try $0.slots().map(\.id) } }

    nonisolated func rekey(removing slot: String? = nil, at time: Timestamp = someTime) async throws(VaultError) {
        try await rekey(Rekeying(at: time, AuditEvent(at: time, "vault.rekeyed", by: nil), removing: slot))
    }
}

private func opens(_ engine: any Engine, _ byte: UInt8) -> Bool {
    (try? OpenVault.open(engine, unlockKey: key(byte), at: someTime, random: SeededRandom(seed: 8))) != nil
}

private func opens(_ slot: Slot, _ secret: borrowing SlotSecret) -> Bool {
    (try? present(slot.rootKey(by: secret))) != nil
}

private struct Missing: Error {}

/// `#require` for what can't be copied.
private func present<Value: ~Copyable>(_ value: consuming Value?) throws -> Value {
    guard let value else { throw Missing() }
    return value
}

@Suite struct `A slot` {
    @Test func `that was added opens the vault, and the first one still does`() async throws {
        let engine = MemoryEngine()
        let store = try await newVault(in: engine)
        #expect(!opens(engine, 2))
        _ = try await store.addKey(2)
        #expect(opens(engine, 1) && opens(engine, 2) && !opens(engine, 3))
        try await openedVault(in: engine).settle()
    }

    @Test func `of a passphrase opens it with that passphrase alone`() async throws {
        let engine = MemoryEngine()
        let salt = [UInt8](0..<16)
        let right = try present(SlotSecret(passphrase: secret("correct horse battery"), salt: salt))
        try OpenVault.create(in: engine, owner: nil, at: someTime, random: SeededRandom(seed: 7)) { (vaultKey) throws(VaultError) in
            [
                SlotEntry.owned(
                    .passphrase, by: right, salt: salt, name: nil, vaultKey: vaultKey, at: someTime, random: SeededRandom(seed: 7))
            ]
        }
        let slot = try #require(try OpenVault.slots(in: engine).first)
        let wrong = try present(SlotSecret(passphrase: secret("correct horse batterz"), salt: salt))
        let isOpened = opens(slot, wrong)
        #expect(!isOpened)
        let rootKey = try present(slot.rootKey(by: right))
        _ = try OpenVault.open(engine, rootKey: rootKey, random: SeededRandom(seed: 8))
        #expect(throws: VaultError.wrongKey) { _ = try OpenVault.open(engine, rootKey: key(5), random: SeededRandom(seed: 8)) }
    }

    @Test func `opens no vault that somebody made for its public key`() async throws {
        let engine = MemoryEngine()
        let store = try await newVault(in: engine)
        let ours = try #require(try await store.slots().first)
        let forged = MemoryEngine()
        try OpenVault.create(in: forged, owner: nil, at: someTime, random: SeededRandom(seed: 99)) { _ throws(VaultError) in [ours] }
        #expect(!opens(forged, 1), "whoever put this in place would read all that is sealed to it")
        #expect(opens(engine, 1))
    }

    @Test func `that somebody wrote into the file gets no new root key`() async throws {
        let engine = MemoryEngine()
        let store = try await newVault(in: engine)
        try await store.settle()
        let slot = try #require(engine.records.first { $0.key[0] == 2 })
        engine.replace(
            [2] + Array("0000000000000000".utf8),
            with: EngineRecord(key: [2] + Array("0000000000000000".utf8), revision: 1, value: slot.value))
        await #expect(throws: VaultError.damaged(kind: "slot")) { try await store.rekey() }
        #expect(try await store.slotIDs().count == 1)
    }
}

extension VaultStore {
    fileprivate nonisolated func slots() async throws -> [SlotEntry] { try await read { try $0.slots() } }
}

@Suite struct `A new root key` {
    private static func filled(_ engine: any Engine, _ mirror: MemoryMirror) async throws -> VaultStore {
        let store = try await newVault(in: engine, mirror: mirror)
        for name in ["a", "b", "c"] { try await store.put(.note, name, "kept \(name)") }
        try await store.putJewel("a", "ruby")
        return store
    }

    private static func expectAllThere(_ store: VaultStore) async throws {
        for name in ["a", "b", "c"] { #expect(try await store.note(.note, name) == "kept \(name)") }
        #expect(try await store.jewel("a") == "ruby")
    }

    @Test func `leaves all records where they were, sealed anew, in one commit`() async throws {
        let place = try VaultPlace()
        defer { place.remove() }
        let mirror = MemoryMirror()
        let engine = CountingEngine(try SQLiteFile(path: "\(place.path)/v.db", mode: .create, lock: nil))
        let store = try await Self.filled(engine, mirror)
        let before = try engine.range([], after: nil, order: .ascending, limit: 1000)
        let commits = engine.commits
        try await store.rekey()
        #expect(engine.commits == commits + 1)
        try await Self.expectAllThere(store)
        try await store.put(.note, "d", "after")
        for record in before where record.key[0] > 2 {
            #expect(try engine.get(record.key)?.value != record.value, "tag \(record.key[0])")
        }
        let again = try await openedVault(in: engine, mirror: mirror)
        try await again.settle()
        try await Self.expectAllThere(again)
        #expect(try await again.note(.note, "d") == "after")
        let entries = try await again.read { try $0.list(.audit, limit: 100).map(\.value) }
        #expect(entries.map(\.seq) == Array(1...Int64(entries.count)))
        #expect(entries.contains { $0.event.event == "vault.rekeyed" })
    }

    @Test func `is not the one that an old copy gives away`() async throws {
        let (engine, mirror) = (MemoryEngine(), MemoryMirror())
        let store = try await Self.filled(engine, mirror)
        let removed = try await store.addKey(2)
        let slot = try #require(try OpenVault.slots(in: engine).first { $0.entry.id == removed })
        let oldRootKey = try present(slot.rootKey(by: SlotSecret(unlockKey: key(2))))
        try await store.rekey(removing: removed)
        #expect(opens(engine, 1) && !opens(engine, 2))
        #expect(throws: VaultError.wrongKey) { _ = try OpenVault.open(engine, rootKey: oldRootKey.clone(), random: SeededRandom(seed: 8)) }
        #expect(try await store.slotIDs().count == 1)
        await #expect(throws: VaultError.self) { try await store.rekey(removing: try await store.slotIDs()[0]) }
        #expect(opens(engine, 1), "the last one stays")
    }

    @Test func `is made wholly or not at all`() async throws {
        let (engine, mirror) = (MemoryEngine(), MemoryMirror())
        let store = try await Self.filled(engine, mirror)
        let second = try await store.addKey(2)
        engine.failNextCommits(with: [.diskFull])
        await #expect(throws: VaultError.diskFull) { try await store.rekey(removing: second) }
        try await Self.expectAllThere(store)
        #expect(opens(engine, 1) && opens(engine, 2))
        try await openedVault(in: engine, mirror: mirror).settle()

        // What was said to have failed is done: the vault goes on with what is there.
        engine.loseNextAnswer()
        try await store.rekey(removing: second)
        try await Self.expectAllThere(store)
        try await store.put(.note, "d", "after")
        #expect(opens(engine, 1) && !opens(engine, 2))
        try await openedVault(in: engine, mirror: mirror).settle()
    }

    @Test func `may come before a crash that leaves the mirror as it was`() async throws {
        let (engine, mirror) = (MemoryEngine(), MemoryMirror())
        let store = try await Self.filled(engine, mirror)
        await store.mirrorCounter()
        let (records, before) = (engine.records, mirror.bytes)
        engine.failNextCommits(with: [.failed("cut off")])
        await #expect(throws: VaultError.self) { try await store.rekey() }
        #expect(mirror.bytes != before, "it is vouched for by both keys")
        try await openedVault(in: engine, mirror: mirror).settle()
        let both = mirror.bytes
        try await store.rekey()
        mirror.bytes = both
        engine.records = records
        try await openedVault(in: engine, mirror: mirror).settle()
    }

    /// SQLite finds it in the write-ahead log when it opens the file anew.
    @Test func `that could not be synced may be there after a crash, and the mirror vouches for it`() async throws {
        let (engine, mirror) = (MemoryEngine(), MemoryMirror())
        let store = try await Self.filled(engine, mirror)
        engine.hideNextCommit()
        await #expect(throws: VaultError.self) { try await store.rekey() }
        // Nothing of this one reaches the disk, so that the one before may still show.
        engine.failNextCommits(with: [.failed("cut off")])
        await #expect(throws: VaultError.self) { try await store.rekey() }
        await store.mirrorCounter()
        engine.crash()
        let again = try await openedVault(in: engine, mirror: mirror)
        try await again.settle()
        try await Self.expectAllThere(again)
        #expect(try await again.read { try $0.list(.audit, limit: 100) }.contains { $0.value.event.event == "vault.rekeyed" })
    }

    @Test func `that failed is vouched for no more once something else was committed`() async throws {
        let (engine, mirror) = (MemoryEngine(), MemoryMirror())
        let store = try await Self.filled(engine, mirror)
        engine.hideNextCommit()
        await #expect(throws: VaultError.self) { try await store.rekey() }
        let vouchers = { String(decoding: mirror.bytes ?? [], as: UTF8.self).split(separator: "\"").count { $0.count == 64 } }
        #expect(vouchers() == 2)
        try await store.put(.note, "d", "after")
        await store.mirrorCounter()
        #expect(vouchers() == 1)
    }

    @Test func `comes with a new intake key, and the one before opens boxes for 30 days`() async throws {
        let engine = MemoryEngine()
        let store = try await newVault(in: engine)
        let first = try await store.read { try $0.intakeKeys().onOffer.id }
        try await store.rekey()
        let second = try await store.read { try $0.intakeKeys().onOffer.id }
        #expect(first != second)
        for (days, opens) in [(0, true), (29, true), (30, false)] {
            let now = someTime + .seconds(days * 86_400)
            #expect(try await store.read { view in try view.intakeKeyPair(id: first, at: now) != nil } == opens, "after \(days) days")
            #expect(try await store.read { view in try view.intakeKeyPair(id: second, at: now) != nil })
        }
        try await store.rekey(at: someTime + .seconds(31 * 86_400))
        #expect(try await store.read { try $0.intakeKeys().keys.map(\.id) }.contains(first) == false)
        #expect(engine.records.count { $0.key[0] == 4 } == 2, "its secret half is gone")
    }

    @Test func `leaves nothing behind in journals or copies`() async throws {
        let engine = MemoryEngine()
        let store = try await newVault(in: engine)
        try engine.keepCopy(named: "format-1")
        try await store.rekey()
        #expect(engine.copies.isEmpty && engine.forgettings == 1)
    }
}

@Suite struct `What was erased` {
    @Test func `is in no journal and no automatic copy of the file`() async throws {
        let (place, engine, store, value) = try await Self.kept()
        defer { place.remove() }
        try engine.keepCopy(named: "format-1")
        #expect(place.files.keys.contains("v.db.format-1"))
        try await store.eraseJewel()
        #expect(!place.files.keys.contains { $0.contains("format-1") })
        #expect(place.filesWith(value).isEmpty)
        await store.seal()
    }

    @Test func `while a backup reads what was there before goes with the next commit after it`() async throws {
        let (place, engine, store, value) = try await Self.kept()
        defer { place.remove() }
        let snapshot = try engine.snapshot()
        try await store.eraseJewel()
        #expect(!place.filesWith(value).isEmpty, "it is still being read")
        snapshot.close()
        try await store.putJewel("b", "opal")
        #expect(place.filesWith(value).isEmpty)
        await store.seal()
    }

    /// A vault on the disk with a jewel in it, and how that is sealed.
    private static func kept() async throws -> (VaultPlace, SQLiteFile, VaultStore, [UInt8]) {
        let place = try VaultPlace()
        let engine = try SQLiteFile(path: "\(place.path)/v.db", mode: .create, lock: nil)
        let store = try await newVault(in: engine)
        try await store.putJewel("a", "ruby")
        let record = try #require(try engine.range([0x72], after: nil, order: .ascending, limit: 1).first)
        return (place, engine, store, record.value)
    }
}

extension VaultStore {
    fileprivate func eraseJewel() async throws {
        try await write { transaction in
            try transaction.erase(.jewel, .named("a"))
            return .changed((), AuditEvent(at: someTime, "jewel.erased", by: nil))
        }
    }
}

extension VaultPlace {
    /// By name.
    fileprivate var files: [String: Data] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return Dictionary(uniqueKeysWithValues: names.map { ($0, FileManager.default.contents(atPath: "\(path)/\($0)") ?? Data()) })
    }

    fileprivate func filesWith(_ bytes: [UInt8]) -> [String] {
        files.filter { $0.value.firstRange(of: Data(bytes)) != nil }.map(\.key)
    }
}
