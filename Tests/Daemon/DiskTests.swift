import FlashbackStandIn
import Foundation
import TestProcesses
import Testing

/// The `sqlite3` program, as somebody would use it who has the disk.
enum SQLite {
    @discardableResult
    static func run(_ database: String, _ statement: String) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["sqlite3", database, statement]
        process.standardOutput = output
        try process.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "sqlite3 \(statement)")
        return String(decoding: text, as: UTF8.self)
    }
}

@Suite(.timeLimit(.minutes(10))) struct `The database on the disk` {
    @Test func `shows sqlite3 no name, no id, no URL and no key`() async throws {
        try await Scene.with(.init { $0.stages = false }) { scene in
            try await scene.addUpstream("flashback-eu")
            try await scene.addConfig("anthropic-prod", id: "another-remote-id", upstream: "flashback-eu")
            try await scene.done(["config", "set", "anthropic-prod", "--description", "for the chat of the shop"])
            try await scene.stage(scene.new)
            let run = try await scene.rotate("--reason", "quarterly change", "--idempotency-key", "timer-4711")
            let rotation = try #require(try run.document["id"].text)
            try await scene.keyturn.kill()

            let names = [
                Scene.config, "anthropic-prod", "flashback-eu", Scene.remoteID, "another-remote-id", scene.standIn.baseURL, "127.0.0.1",
                "https://",
                "for the chat of the shop", "quarterly change", "timer-4711", rotation, "succeeded", "rotation.requested",
                "BEGIN CERTIFICATE", "OPENAI",
                "production",
            ]
            var places = scene.keyturn.folder.files().filter { $0.key.hasPrefix("vault/") }
            #expect(places["vault/vault.db-wal"]?.isEmpty == false, "what the kill left in the write-ahead log is looked at too")
            let dump = try SQLite.run("\(scene.keyturn.vault)/vault.db", ".dump")
            places["the dump"] = Array(dump.utf8)
            places["the dump's bytes"] = dump.split(separator: "'").flatMap(Self.bytes)
            #expect(dump.contains("CREATE TABLE record") && dump.ranges(of: "INSERT INTO record").count > 10)
            #expect(CanarySearch(names.map(Canary.init(text:))).findings(in: places) == [])
            #expect(scene.search.findings(in: places) == [])
            #expect(!CanarySearch([Canary(text: "\"format\":2")]).findings(in: places).isEmpty, "the header is there to be read")
            try await scene.keyturn.start()
        }
    }

    private static func bytes(_ hex: Substring) -> [UInt8] {
        let digits = Array(hex.utf8)
        guard digits.count % 2 == 0, !digits.isEmpty else { return [] }
        return stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
        }
    }

    /// What is changed behind the daemon's back, where it then shows, and under which name.
    enum Damage: String, Sendable, CaseIterable {
        case config, upstream, credential, accessToken, rotation, intakeList, intakeKey, audit, slot, header

        var tag: String {
            switch self {
            case .header: "01"
            case .slot: "02"
            case .audit: "03"
            case .intakeKey: "04"
            case .intakeList: "05"
            case .config: "10"
            case .upstream: "12"
            case .accessToken: "13"
            case .credential: "14"
            case .rotation: "16"
            }
        }

        /// How the daemon names the kind.
        var kind: String {
            switch self {
            case .config: "config"
            case .upstream: "upstream"
            case .credential: "credential"
            case .accessToken: "access token"
            case .rotation: "rotation"
            case .intakeList: "intake key list"
            case .intakeKey: "intake key"
            case .audit: "audit entry"
            case .slot: "slot"
            case .header: "header"
            }
        }

        /// A command that needs it.
        var command: [String] {
            switch self {
            case .config: ["config", "show", Scene.config]
            case .upstream: ["upstream", "show", Scene.upstream]
            case .credential, .accessToken: ["rotate", Scene.config]
            case .rotation: ["history", Scene.config]
            case .intakeList: ["intake-key"]
            case .intakeKey: ["stage", Scene.config, "--stdin"]
            case .audit, .slot, .header: ["status"]
            }
        }

        var keepsVaultClosed: Bool { [.audit, .slot, .header].contains(self) }
    }

    static let ways = [
        "cut": "UPDATE record SET value = substr(value, 1, length(value) - 1) WHERE hex(substr(key, 1, 1)) = '%'",
        "change a byte of": """
        UPDATE record SET value = CAST(
          substr(value, 1, 40) || CASE substr(value, 41, 1) WHEN x'00' THEN x'01' ELSE x'00' END || substr(value, 42) AS BLOB)
        WHERE hex(substr(key, 1, 1)) = '%'
        """,
        "put another's in place of":
            "UPDATE record SET value = (SELECT value FROM record WHERE hex(substr(key, 1, 1)) = '1B' LIMIT 1) WHERE hex(substr(key, 1, 1)) = '%'",
        "count up the revision of": "UPDATE record SET revision = revision + 1 WHERE hex(substr(key, 1, 1)) = '%'",
    ]

    @Test(arguments: Damage.allCases) func `with a record changed by sqlite3 is refused by the record's kind`(_ damage: Damage) async throws
    {
        try await Scene.with { scene in
            #expect(try await scene.rotate().status == 0)
            try await scene.stage(Canary(key: "key"))
            try await scene.keyturn.terminate()
            let database = "\(scene.keyturn.vault)/vault.db"
            let original = try Data(contentsOf: URL(filePath: database))
            let counter = try Data(contentsOf: URL(filePath: "\(scene.keyturn.vault).counter"))
            for (way, statement) in Self.ways.sorted(by: { $0.key < $1.key }) {
                // What is read before there is a key is not sealed: its revision means nothing yet.
                if way.contains("revision"), damage == .slot || damage == .header { continue }
                try scene.keyturn.folder.file("vault/vault.db", Array(original))
                try scene.keyturn.folder.file("vault.counter", Array(counter))
                let changed = try SQLite.run(database, statement.replacing("%", with: damage.tag) + "; SELECT changes()")
                try #require(changed != "0\n", "there are records of this kind")
                try await scene.keyturn.start()
                let run = try await scene.keyturn.keyturn(damage.command + ["--json"], input: "something")
                // All records are looked at soon after the start; from then on it is sealed, and the status says why.
                let isSealed = damage.keepsVaultClosed || run.status == 6
                let said =
                    isSealed
                    ? try await scene.keyturn.keyturn("status", "--json").document["sealed_reason"].text : try run.problem["detail"].text
                #expect(run.status == (isSealed ? 6 : 1), "\(way): \(run.errors)")
                #expect(
                    said?.contains("'\(damage.kind)'") == true || (damage == .slot && said?.contains("does not open") == true),
                    "\(way): \(said ?? run.errors)")
                try await scene.keyturn.terminate()
            }
            #expect(scene.standIn.count(of: .put) == 1, "nothing was sent on the strength of it")
            try scene.keyturn.folder.file("vault/vault.db", Array(original))
            try scene.keyturn.folder.file("vault.counter", Array(counter))
            try await scene.keyturn.start()
            #expect(try await scene.rotate().status == 0)
        }
    }
}
