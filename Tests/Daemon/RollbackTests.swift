import FlashbackStandIn
import Foundation
import TestProcesses
import Testing

@Suite(.timeLimit(.minutes(10))) struct `A vault that was put back` {
    private static func copy(_ scene: Scene) throws -> Data {
        try Data(contentsOf: URL(filePath: "\(scene.keyturn.vault)/vault.db"))
    }

    private static func sealedCode(_ keyturn: Installation) async throws -> String? {
        try await keyturn.keyturn("status", "--json").document["sealed_code"].text
    }

    @Test func `as it was earlier is refused, and opens in quarantine when somebody says so`() async throws {
        try await Scene.with { scene in
            try await scene.keyturn.terminate()
            let old = try Self.copy(scene)
            try await scene.keyturn.start()
            #expect(try await scene.rotate().status == 0)
            try await scene.keyturn.terminate()
            try scene.keyturn.folder.file("vault/vault.db", Array(old))
            try await scene.keyturn.start()
            let status = try await scene.keyturn.keyturn("status", "--json")
            #expect(try status.status == 6 && status.document["sealed_code"].text == "vault-older")
            #expect(try status.document["next_step"].text == "keyturn unseal --accept-older")
            #expect(scene.keyturn.log.contains("older copy of the vault"))
            let refused = try await scene.keyturn.keyturn("unseal", "--json")
            #expect(try refused.status == 6 && refused.problem.code == "vault-older")
            #expect(scene.standIn.count(of: .put) == 1, "nothing went out on the strength of it")
            try await scene.done(["unseal", "--accept-older"])
            let quarantined = try await scene.audit().filter { $0["event"].text == "vault.quarantined" }
            #expect(quarantined.map { $0["outcome"].text } == ["older"])
            #expect(try await scene.versions() == [1: "current", 2: "staged"], "it is what it was")
        }
    }

    @Test func `as it was earlier is refused after a kill as well, since the counter is mirrored while the daemon works`() async throws {
        try await Scene.with { scene in
            try await scene.keyturn.terminate()
            let old = try Self.copy(scene)
            let counter = { scene.keyturn.folder.files()["vault.counter"] }
            let before = counter()
            try await scene.keyturn.start()
            try await scene.until("the counter is mirrored") { counter() != before }
            try await scene.keyturn.kill()
            // What a kill leaves beside it would bring it up to date.
            for file in ["vault.db-wal", "vault.db-shm"] { try FileManager.default.removeItem(atPath: "\(scene.keyturn.vault)/\(file)") }
            try scene.keyturn.folder.file("vault/vault.db", Array(old))
            try await scene.keyturn.start()
            #expect(try await Self.sealedCode(scene.keyturn) == "vault-older")
        }
    }

    @Test func `without the mirror of its counter is refused`() async throws {
        try await Scene.with(.init { $0.stages = false }) { scene in
            try await scene.keyturn.terminate()
            try FileManager.default.removeItem(atPath: "\(scene.keyturn.vault).counter")
            try await scene.keyturn.start()
            #expect(try await Self.sealedCode(scene.keyturn) == "vault-older")
            try await scene.done(["unseal", "--accept-older"])
            try await scene.keyturn.kill()
            try await scene.keyturn.start()
            #expect(try await Self.sealedCode(scene.keyturn) == nil, "it was accepted once for all")
        }
    }

    @Test(arguments: [
        "DELETE FROM record WHERE hex(substr(key, 1, 1)) = '14'",
        "INSERT INTO record SELECT CAST(key || x'00' AS BLOB), revision, value FROM record WHERE key = x'01'",
    ]) func `in part is noticed`(_ statement: String) async throws {
        try await Scene.with { scene in
            try await scene.keyturn.terminate()
            try SQLite.run("\(scene.keyturn.vault)/vault.db", statement)
            try await scene.keyturn.start()
            try await scene.until("the vault is sealed") { try await Self.sealedCode(scene.keyturn) == "vault-altered" }
            #expect(try await scene.rotate().status == 6)
            #expect(scene.standIn.count(of: .put) == 0)
        }
    }

    @Test func `by a single record of an earlier day is noticed`() async throws {
        try await Scene.with { scene in
            try await scene.keyturn.terminate()
            let database = "\(scene.keyturn.vault)/vault.db"
            try SQLite.run(database, "ATTACH '\(scene.keyturn.folder.path)/old.db' AS old; CREATE TABLE old.record AS SELECT * FROM record")
            try await scene.keyturn.start()
            try await scene.done(["pause", Scene.config])
            try await scene.keyturn.terminate()
            try SQLite.run(
                database,
                """
                ATTACH '\(scene.keyturn.folder.path)/old.db' AS old;
                REPLACE INTO record SELECT * FROM old.record WHERE hex(substr(key, 1, 1)) = '10'
                """)
            try await scene.keyturn.start()
            try await scene.until("the vault is sealed") { try await Self.sealedCode(scene.keyturn) == "vault-altered" }
            let show = try await scene.keyturn.keyturn("config", "show", Scene.config, "--json")
            #expect(try show.status == 6 && show.problem.code == "vault-altered")
            #expect(scene.keyturn.log.contains("altered behind the daemon's back"))
        }
    }
}
