import Glibc
import Model
import SQLiteEngine
import Secrets
import TestSupport
import Testing
import Vault

@Suite struct `An open vault` {
    @Test func `shows the engine no name and no content, and sizes in steps`() async throws {
        let engine = MemoryEngine()
        let store = try await newVault(in: engine)
        try await store.put(.note, "a name that is secret", "a content that is secret")
        try await store.putJewel("a name that is secret", "a jewel that is secret")
        for record in engine.records {
            let bytes = String(decoding: record.key + record.value, as: UTF8.self)
            #expect(!bytes.contains("secret") && !bytes.contains("note.put"))
            // 24 bytes of nonce, 16 of tag; header and slots are read before there is a key.
            if record.key[0] > 2 { #expect((record.value.count - 40) % 256 == 0, "tag \(record.key[0])") }
        }
    }

    @Test func `never seals the same twice alike`() async throws {
        let engine = MemoryEngine()
        let store = try await newVault(in: engine)
        try await store.put(.note, "a", "same")
        let first = engine.records.first { $0.key[0] == 0x70 }
        try await store.put(.note, "a", "same")
        let second = engine.records.first { $0.key[0] == 0x70 }
        #expect(first?.value != second?.value && second?.revision == 2)
    }

    @Test func `reads back what it wrote, also after it was opened again`() async throws {
        let place = try VaultPlace()
        defer { place.remove() }
        let engine = try SQLiteFile(path: "\(place.path)/v.db", mode: .create, lock: nil)
        let store = try await newVault(in: engine)
        let long = String(repeating: "long ", count: 2000)
        try await store.put(.note, "a", long)
        try await store.putJewel("a", "ruby")
        await store.seal()
        await #expect(throws: VaultError.sealed) { _ = try await store.note(.note, "a") }
        await #expect(throws: VaultError.sealed) { try await store.put(.note, "a", "too late") }
        let again = try await openedVault(in: SQLiteFile(path: "\(place.path)/v.db", mode: .open, lock: nil))
        #expect(try await again.note(.note, "a") == long)
        #expect(try await again.jewel("a") == "ruby")
        #expect(try await again.note(.note, "b") == nil)
        await again.seal()
    }

    @Test func `a failed transaction leaves nothing behind, and one that failed on the disk is told`() async throws {
        struct Refused: Error {}
        let engine = MemoryEngine()
        let listener = Listener()
        let store = try await newVault(in: engine, audience: listener)
        let before = engine.records.count
        await #expect(throws: Refused.self) {
            try await store.write { (transaction) -> Change<Void> in
                try transaction.put(.note, .named("a"), Note(text: "no"))
                throw Refused()
            }
        }
        engine.failNextCommits(with: [.diskFull])
        await #expect(throws: VaultError.diskFull) { try await store.put(.note, "a", "no room") }
        #expect(engine.records.count == before && listener.seqs.isEmpty)
        try await store.put(.note, "a", "yes")
        #expect(try await store.note(.note, "a") == "yes")
        #expect(listener.seqs == [2], "entries are counted without gaps: 1 is the vault's making")
    }

    @Test func `writers who come at the same time share commits, and no entry is lost`() async throws {
        let place = try VaultPlace()
        defer { place.remove() }
        let engine = CountingEngine(try SQLiteFile(path: "\(place.path)/v.db", mode: .create, lock: nil))
        let listener = Listener()
        let store = try await newVault(in: engine, audience: listener)
        let before = engine.commits
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<400 { group.addTask { try await store.put(.note, "note \(number % 50)", "\(number)") } }
            try await group.waitForAll()
        }
        #expect(engine.commits - before < 200, "\(engine.commits - before) commits for 400 transactions")
        #expect(listener.seqs == Array(2...401))
        await store.seal()
    }

    @Test func `opens with the recipient's key, too`() async throws {
        let engine = MemoryEngine()
        let random = SeededRandom(seed: 3)
        let pair = BoxKeyPair(random: random)
        let store = try await newVault(in: engine, recovery: pair.publicKey)
        try await store.put(.note, "a", "kept")
        let recovered = VaultStore(audience: Listener())
        let recoveryKey = pair.secretKey.clone()
        let opened = try OpenVault.open(engine, unlockKey: recoveryKey, at: someTime, random: random)
        try await recovered.unseal(ordinary) { () throws(VaultError) in opened }
        #expect(try await recovered.note(.note, "a") == "kept")
        #expect(throws: VaultError.wrongKey) { _ = try OpenVault.open(engine, unlockKey: key(2), at: someTime, random: random) }
    }

    @Test func `one of a newer format is left alone`() async throws {
        let engine = MemoryEngine()
        _ = try await newVault(in: engine)
        let header = try #require(engine.records.first { $0.key == [0x01] })
        let newer = String(decoding: header.value, as: UTF8.self).replacing("\"format\":2", with: "\"format\":3")
        engine.replace([0x01], with: EngineRecord(key: [0x01], revision: 1, value: Array(newer.utf8)))
        let before = engine.commits
        await #expect(throws: VaultError.newer(format: 3)) { _ = try await openedVault(in: engine) }
        #expect(engine.commits == before)
    }
}

@Suite struct `A vault's folder` {
    private func with(_ body: (VaultFolder) throws -> Void) throws {
        let place = try VaultPlace()
        defer { place.remove() }
        let folder = VaultFolder(path: "\(place.path)/vault")
        try make(folder)
        try body(folder)
    }

    private func open(_ folder: VaultFolder, _ byte: UInt8 = 1) throws(VaultError) -> OpenVault {
        try folder.open(unlockKey: key(byte), at: someTime, random: SeededRandom(seed: 2))
    }

    private func make(_ folder: VaultFolder) throws(VaultError) {
        try folder.create { (engine) throws(VaultError) in
            try OpenVault.create(
                in: engine, unlockKey: key(1), recovery: nil, owner: nil, at: someTime, random: SeededRandom(seed: 1))
        }
    }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        // SAFETY: the path is a C string and `status` a live variable.
        return stat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }

    @Test func `is for its owner only, whatever the umask`() throws {
        try with { folder in
            let vault = try open(folder)
            #expect(mode(folder.path) == 0o700)
            for file in ["vault.db", "vault.db-wal", "vault.db-shm", "lock"] {
                #expect(mode("\(folder.path)/\(file)") & 0o077 == 0, "\(file)")
            }
            _ = vault
        }
    }

    @Test(arguments: ["", "/vault.db", "/lock"]) func `that others can get at is refused by its path`(_ file: String) throws {
        try with { folder in
            if file == "/lock" { close(creat(folder.path + file, 0o600)) }
            for bits in [0o040, 0o020, 0o010, 0o004, 0o002, 0o001] as [mode_t] {
                chmod(folder.path + file, 0o700 | bits)
                #expect(throws: VaultError.tooOpen(path: folder.path + file, mode: "0" + String(0o700 | bits, radix: 8))) {
                    _ = try open(folder)
                }
            }
            chmod(folder.path + file, 0o700)
            _ = try open(folder)
        }
    }

    @Test(.enabled(if: geteuid() == 0)) func `of another owner is refused`() throws {
        try with { folder in
            chown("\(folder.path)/vault.db", 4711, 4711)
            #expect(throws: VaultError.wrongOwner(path: "\(folder.path)/vault.db", uid: 4711, mustBe: geteuid())) { _ = try open(folder) }
            chown("\(folder.path)/vault.db", 0, 0)
            chown(folder.path, 4711, 4711)
            #expect(throws: VaultError.wrongOwner(path: folder.path, uid: 4711, mustBe: geteuid())) { _ = try open(folder) }
        }
    }

    @Test func `is used by one at a time`() throws {
        try with { folder in
            let first = try open(folder)
            #expect(throws: VaultError.inUse(path: folder.path)) { _ = try open(folder) }
            _ = first
        }
    }

    @Test func `with a link in place of a file is no vault`() throws {
        try with { folder in
            rename("\(folder.path)/vault.db", "\(folder.path)/elsewhere.db")
            symlink("\(folder.path)/elsewhere.db", "\(folder.path)/vault.db")
            #expect(throws: VaultError.notAVault(path: "\(folder.path)/vault.db")) { _ = try open(folder) }
        }
    }

    @Test func `a wrong key opens nothing and keeps nothing locked`() throws {
        try with { folder in
            #expect(throws: VaultError.wrongKey) { _ = try open(folder, 9) }
            _ = try open(folder)
        }
    }

    @Test func `is never made over anything`() throws {
        try with { folder in
            #expect(throws: VaultError.exists(path: folder.path)) {
                try make(folder)
            }
        }
    }
}
