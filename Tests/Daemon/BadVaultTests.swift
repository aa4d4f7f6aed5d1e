import FlashbackStandIn
import Foundation
import TestProcesses
import Testing

/// What `Tests/Vault` tries byte by byte, a few times through the real programs.
@Suite(.timeLimit(.minutes(10))) struct `A vault that can't be used` {
    /// What was done to the vault's folder, and how the daemon names it.
    enum Damage: String, Sendable, CaseIterable {
        case header, page, shorter, empty, folder, missing, foreign, newer

        var code: String {
            switch self {
            case .header, .empty, .folder, .foreign: "not-a-vault"
            case .page, .shorter, .missing: "vault-damaged"
            case .newer: "vault-newer"
            }
        }

        func harm(_ database: String) throws {
            let manager = FileManager.default
            var bytes = Array(try #require(manager.contents(atPath: database)))
            switch self {
            case .header: bytes[0] ^= 1
            // The first page's own header is behind the file's: which kind of page it is.
            case .page: bytes[100] ^= 0xFF
            case .shorter: bytes.removeLast(bytes.count / 2)
            case .empty: bytes = []
            case .foreign: bytes.replaceSubrange(68..<72, with: [0, 0, 0, 1])
            case .newer: bytes.replaceSubrange(60..<64, with: [0, 0, 0, 99])
            case .folder, .missing:
                try manager.removeItem(atPath: database)
                if self == .folder {
                    try manager.createDirectory(
                        atPath: database, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
                }
                return
            }
            try Data(bytes).write(to: URL(filePath: database))
        }
    }

    @Test func `keeps the daemon sealed, which says why and what to do, and is left as it is`() async throws {
        try await Scene.with { scene in
            try await scene.keyturn.terminate()
            let database = "\(scene.keyturn.vault)/vault.db"
            let whole = try #require(FileManager.default.contents(atPath: database))
            for damage in Damage.allCases {
                try? FileManager.default.removeItem(atPath: database)
                try scene.keyturn.folder.file("vault/vault.db", Array(whole))
                try damage.harm(database)
                let harmed = FileManager.default.contents(atPath: database)
                try await scene.keyturn.start()
                try await scene.until("\(damage) shows in the status") {
                    try await scene.keyturn.keyturn("status", "--json").status == 6
                }
                let status = try await scene.keyturn.keyturn("status", "--json").document
                #expect(status["sealed_code"].text == damage.code, "\(damage): \(status)")
                #expect(status["sealed_reason"].text?.isEmpty == false && status["next_step"].text?.isEmpty == false, "\(damage)")
                #expect(scene.keyturn.log.contains(damage.code), "\(damage) is in the log")
                let rotation = try await scene.rotate()
                #expect(rotation.status == (damage.code == "vault-damaged" ? 1 : 6), "\(damage): \(rotation.errors)")
                try await scene.keyturn.terminate()
                #expect(FileManager.default.contents(atPath: database) == harmed, "\(damage): nothing was written")
            }
            #expect(scene.standIn.count(of: .put) == 0, "nothing was sent on the strength of it")
            try? FileManager.default.removeItem(atPath: database)
            try scene.keyturn.folder.file("vault/vault.db", Array(whole))
            try await scene.keyturn.start()
            #expect(try await scene.rotate().status == 0, "put back, it goes on")
        }
    }

    @Test func `is not mistaken for an older copy where an earlier vault's counter was left behind`() async throws {
        try await Installation.with { keyturn in
            try await keyturn.initialise()
            try await keyturn.start()
            try await keyturn.terminate()
            try FileManager.default.moveItem(atPath: keyturn.vault, toPath: "\(keyturn.vault).old")
            try await keyturn.initialise()
            for _ in 1...2 {
                try await keyturn.start()
                let status = try await keyturn.keyturn("status", "--json")
                #expect(try status.status == 0 && status.document["quarantine"].isNull, "\(status.output)")
                try await keyturn.terminate()
            }
        }
    }
}
