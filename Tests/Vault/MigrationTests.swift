import FoundationEssentials
import Model
import Operations
import Rotations
import SQLiteEngine
import Secrets
import TestSupport
import Testing
import Vault

/// A vault of format 1, made by the release that had it: two configs, one of them paused with a previous version, one with a rotation that waits.
enum Format1Fixture {
    static let folder = "\(#filePath)".replacing("Vault/MigrationTests.swift", with: "Daemon/Fixtures/format-1")
    static let config = try! ConfigName("anthropic-prod")

    static func bytes(_ name: String) throws -> [UInt8] {
        Array(try #require(FileManager.default.contents(atPath: "\(folder)/\(name)")))
    }

    static func secret(_ name: String) throws -> Secret {
        let bytes = try bytes(name)
        return Secret(count: bytes.count) { $0.copyBytes(from: bytes) }
    }

    /// In a folder of its own, as it was left.
    static func placed(in place: VaultPlace) throws -> VaultFolder {
        let folder = VaultFolder(path: "\(place.path)/vault")
        try FileManager.default.createDirectory(
            atPath: folder.path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        let isMade = FileManager.default.createFile(
            atPath: "\(folder.path)/vault.db", contents: Data(try bytes("vault.db")), attributes: [.posixPermissions: 0o600])
        try #require(isMade)
        return folder
    }

    /// Its records in memory.
    static func engine() throws -> MemoryEngine {
        let place = try VaultPlace()
        defer { place.remove() }
        let file = try SQLiteFile(path: "\(placed(in: place).path)/vault.db", mode: .open, lock: nil)
        let engine = MemoryEngine()
        engine.records = try file.range([], after: nil, order: .ascending, limit: 10_000)
        file.close()
        return engine
    }
}

@Suite struct `A vault of format 1` {
    private static func open(_ engine: any Engine, _ keyFile: String = "vault.key") throws -> OpenVault {
        let key = try Format1Fixture.secret(keyFile)
        return try OpenVault.open(engine, unlockKey: key, at: someTime, random: SeededRandom(seed: 5))
    }

    @Test func `opens with all that was in it, and the rotation that waited goes on`() async throws {
        let harness = try await ServiceHarness(stored: (try Format1Fixture.engine(), try Format1Fixture.bytes("vault.key")))
        let root = ServiceHarness.root
        let configs = try await harness.service.configs(after: nil, limit: 10, filter: .all, as: root).items
        #expect(Set(configs.map { "\($0.record.name)" }) == ["anthropic-prod", "openai-prod"])
        let paused = try #require(configs.first { "\($0.record.name)" == "openai-prod" })
        #expect(paused.record.versions.map { "\($0.number) \($0.state)" }.sorted() == ["1 previous", "2 current", "4 staged", "5 staged"])
        let entries = try await harness.service.audit(after: 0, limit: 1000, as: root)
        #expect(entries.map(\.seq) == Array(1...Int64(entries.count)))
        #expect(entries.contains { $0.event.event == "vault.migrated" } && entries.contains { $0.event.reason == "kept as it was" })
        // The backend takes the key now, which it did not before.
        let waited = try #require(configs.first { $0.record.name == Format1Fixture.config }?.record.unfinished)
        _ = await harness.runner.settled(waited)
        let after = try await harness.service.config(Format1Fixture.config, as: root)
        #expect(after.record.version(.current)?.number == 2 && after.record.unfinished == nil)
        #expect(harness.target.calls.contains { if case .put("sk-fixture-anthropic-2", _) = $0 { true } else { false } })
        await harness.kill()
    }

    @Test func `keeps its slots, the recovery key's too`() async throws {
        let engine = try Format1Fixture.engine()
        _ = try Self.open(engine)
        _ = try Self.open(engine, "recovery.key")
        #expect(try OpenVault.slots(in: engine).map(\.entry.kind.rawValue).sorted() == ["credential", "recipient"])
    }

    @Test func `whose key file is lost opens with its recovery key, and from then on with that alone`() async throws {
        let engine = try Format1Fixture.engine()
        let harness = try await ServiceHarness(stored: (engine, try Format1Fixture.bytes("recovery.key")))
        let entries = try await harness.service.audit(after: 0, limit: 1000, as: ServiceHarness.root)
        #expect(entries.contains { $0.event.event == "vault.migrated" })
        #expect(try await harness.service.configs(after: nil, limit: 10, filter: .all, as: ServiceHarness.root).items.count == 2)
        await harness.kill()
        #expect(try OpenVault.slots(in: engine).map(\.entry.kind) == [.recipient])
        #expect(throws: VaultError.wrongKey) { _ = try Self.open(engine) }
        _ = try Self.open(engine, "recovery.key")
    }

    @Test func `opens with none but its own keys`() throws {
        let engine = try Format1Fixture.engine()
        let before = engine.commits
        #expect(throws: VaultError.wrongKey) {
            _ = try OpenVault.open(engine, unlockKey: key(1), at: someTime, random: SeededRandom(seed: 5))
        }
        #expect(engine.commits == before && engine.copies.isEmpty)
    }

    @Test func `is copied, and changed in one commit, or stays as it was`() async throws {
        let engine = try Format1Fixture.engine()
        let before = engine.records
        engine.failNextCommits(with: [.failed("cut off")])
        #expect(throws: VaultError.self) { _ = try Self.open(engine) }
        #expect(Set(engine.records.map(\.value)) == Set(before.map(\.value)), "the first format is there, whole")
        _ = try Self.open(engine)
        #expect(engine.commits == 1)
        #expect(Set(engine.copies["format-1"]?.map(\.value) ?? []) == Set(before.map(\.value)))
        let after = engine.records
        _ = try Self.open(engine)
        #expect(engine.commits == 1 && engine.records.count == after.count, "a second start does nothing")
    }

    @Test func `that was changed by a commit whose end nobody saw is of format 2`() throws {
        let engine = try Format1Fixture.engine()
        engine.loseNextAnswer()
        #expect(throws: VaultError.self) { _ = try Self.open(engine) }
        _ = try Self.open(engine)
        #expect(engine.commits == 1)
    }

    @Test func `leaves a copy on the disk that is itself one`() async throws {
        let place = try VaultPlace()
        defer { place.remove() }
        let folder = try Format1Fixture.placed(in: place)
        let key = try Format1Fixture.secret("vault.key")
        _ = try folder.open(unlockKey: key, at: someTime, random: SeededRandom(seed: 5))
        let copy = "\(folder.path)/vault.db.format-1"
        let attributes = try FileManager.default.attributesOfItem(atPath: copy)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let file = try SQLiteFile(path: copy, mode: .open, lock: nil)
        let header = try #require(try file.get([0x01]))
        #expect(String(decoding: header.value, as: UTF8.self).contains("\"format\":1"))
        let engine = MemoryEngine()
        engine.records = try file.range([], after: nil, order: .ascending, limit: 10_000)
        file.close()
        _ = try Self.open(engine)
    }
}
