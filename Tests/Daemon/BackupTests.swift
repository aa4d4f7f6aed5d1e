import FlashbackStandIn
import Foundation
import Glibc
import TestProcesses
import Testing

@Suite(.timeLimit(.minutes(10))) struct `A backup by the command line` {
    @Test func `is made while keys rotate, and opens with the vault's key`() async throws {
        try await Scene.with(.patient) { scene in
            let file = "\(scene.keyturn.folder.path)/the.backup"
            scene.standIn.order(.gate, for: .put)
            let rotation = try scene.beginRotating()
            await scene.standIn.waitFor(1, of: .put)
            let made = try await scene.keyturn.keyturn("backup", file, "--json")
            scene.standIn.release()
            #expect(try await rotation.result().status == 0)
            #expect(made.status == 0, "\(made.errors)")
            #expect(try made.document["configs"].number == 1 && made.document["checked"].text == "contents")
            var status = stat()
            #expect(lstat(file, &status) == 0 && status.st_mode & 0o777 == 0o600)

            let whole = try await scene.keyturn.keyturn("backup", "verify", file)
            #expect(whole.status == 0 && whole.output.contains("structure and checksum alone"), "\(whole.errors)")
            let opened = try await scene.keyturn.keyturn("backup", "verify", file, "--key-file", scene.keyturn.keyFile, "--json")
            #expect(try opened.status == 0 && opened.document["checked"].text == "every-record", "\(opened.errors)")
            #expect(try opened.document["records"].number == made.document["records"].number)

            let shown = try await scene.keyturn.keyturn("status", "--json").document
            #expect(try shown["last_backup_at"].text == made.document["made_at"].text)
            let events = try await scene.audit().compactMap { $0["event"].text }
            #expect(events.count { $0 == "vault.backup-begun" } == 1 && events.count { $0 == "vault.backed-up" } == 1)
        }
    }

    @Test func `overwrites nothing unless told to, and leaves nothing half-made`() async throws {
        try await Scene.with { scene in
            let folder = scene.keyturn.folder
            let file = try folder.file("the.backup", Array("precious".utf8))
            let refused = try await scene.keyturn.keyturn("backup", file)
            #expect(refused.status == 1 && refused.errors.contains("--force"), "\(refused.errors)")
            #expect(folder.files()["the.backup"] == Array("precious".utf8))
            #expect(try await scene.keyturn.keyturn("backup", file, "--force").status == 0)
            #expect(try await scene.keyturn.keyturn("backup", "verify", file).status == 0)
            let piped = try await scene.keyturn.keyturn("backup", "-")
            #expect(piped.status == 0 && piped.output.hasPrefix("keyturn backup\n"), "\(piped.errors)")
            try await scene.keyturn.kill()
            #expect(try await scene.keyturn.keyturn("backup", "\(folder.path)/second.backup").status == 4)
            #expect(!folder.files().keys.contains { $0.contains("second") || $0.contains(".part-") })
        }
    }

    @Test func `into a folder keeps the newest few, and touches nothing else there`() async throws {
        try await Scene.with { scene in
            let folder = scene.keyturn.folder
            let mine = ["keyturn-2020-01-01T000000Z.backup", "keyturn-2021-01-01T000000Z.backup", "keyturn-2022-01-01T000000Z.backup"]
            // The clock was wrong when this one was made.
            let future = "keyturn-2199-01-01T000000Z.backup"
            let leftBehind = "keyturn-2022-01-02T000000Z.backup.part-\(Int32.max)"
            let underWay = "keyturn-2022-01-02T000000Z.backup.part-\(getpid())"
            let foreign = ["keyturn-notes.txt", "other-2020-01-01T000000Z.backup"]
            for name in mine + foreign + [future, leftBehind, underWay] { _ = try folder.file("b-\(name)", []) }
            let target = "\(folder.path)/backups"
            try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: false)
            for name in mine + foreign + [future, leftBehind, underWay] {
                try FileManager.default.moveItem(atPath: "\(folder.path)/b-\(name)", toPath: "\(target)/\(name)")
            }
            let made = try await scene.keyturn.keyturn("backup", "--keep", "3", target, "--json")
            #expect(made.status == 0, "\(made.errors)")
            let file = try #require(try made.document["file"].text)
            let names = Set(try FileManager.default.contentsOfDirectory(atPath: target))
            #expect(names == Set(foreign + [mine[2], future, underWay, file.components(separatedBy: "/").last ?? ""]))
            #expect(try await scene.keyturn.keyturn("backup", "verify", file, "--key-file", scene.keyturn.keyFile).status == 0)

            // However many there are in one second.
            let more = "\(folder.path)/more"
            try FileManager.default.createDirectory(atPath: more, withIntermediateDirectories: false)
            for _ in 1...4 { try await scene.done(["backup", "--keep", "9", more]) }
            #expect(try FileManager.default.contentsOfDirectory(atPath: more).count == 4)

            // One that fails removes nothing.
            try await scene.keyturn.kill()
            try FileManager.default.moveItem(atPath: file, toPath: "\(target)/\(mine[0])")
            let before = Set(try FileManager.default.contentsOfDirectory(atPath: target))
            #expect(try await scene.keyturn.keyturn("backup", "--keep", "1", target).status == 4)
            #expect(Set(try FileManager.default.contentsOfDirectory(atPath: target)) == before)
            for wrong in [["--keep", "0", target], ["--keep", "2", "-"], ["--keep", "2", target, "--force"]] {
                #expect(try await scene.keyturn.keyturn(["backup"] + wrong).status == 2)
            }
        }
    }

    @Test func `without a passphrase slot says so, and asks for none`() async throws {
        try await Scene.with { scene in
            let file = "\(scene.keyturn.folder.path)/the.backup"
            try await scene.done(["backup", file])
            // One that the vault got since does not open what was made before.
            let passphrase = "correct horse battery staple"
            #expect(try await scene.keyturn.keyturn("slot", "add", "--passphrase", "--stdin", input: passphrase).status == 0)
            for command in [["backup", "verify", file], ["restore", file, "--vault", "\(scene.keyturn.folder.path)/none"]] {
                let run = try await scene.keyturn.keyturn(command + ["--passphrase", "--json"], input: passphrase)
                #expect(run.status == 1, "\(command): \(run.errors)")
                #expect(
                    try run.problem["detail"].text == "No passphrase opens the backup: its vault had none when it was made.", "\(command)")
            }
            #expect(!FileManager.default.fileExists(atPath: "\(scene.keyturn.folder.path)/none"))
        }
    }

    @Test func `opens with each way into the vault, and with nothing else`() async throws {
        try await Scene.with { scene in
            let folder = scene.keyturn.folder
            let (file, recovery) = ("\(folder.path)/the.backup", "\(folder.path)/recovery.key")
            let publicKey = try #require(try await scene.keyturn.keyturn("recovery-key", recovery, "--json").document["public_key"].text)
            try await scene.done(["slot", "add", "--recipient", publicKey])
            let passphrase = "correct horse battery staple"
            #expect(try await scene.keyturn.keyturn("slot", "add", "--passphrase", "--stdin", input: passphrase).status == 0)
            try await scene.done(["backup", file])
            for (number, way) in [["--passphrase"], ["--recovery", recovery], ["--key-file", scene.keyturn.keyFile]].enumerated() {
                let verified = try await scene.keyturn.keyturn(["backup", "verify", file] + way, input: passphrase)
                #expect(verified.status == 0 && verified.output.contains("every record opens"), "\(way): \(verified.errors)")
                let restored = try await scene.keyturn.keyturn(
                    ["restore", file, "--vault", "\(folder.path)/restored-\(number)"] + way, input: passphrase)
                #expect(restored.status == 0 && restored.output.contains("in quarantine"), "\(way): \(restored.errors)")
            }
            for command in [["backup", "verify", file], ["restore", file, "--vault", "\(folder.path)/none"]] {
                let wrong = try await scene.keyturn.keyturn(command + ["--passphrase"], input: "another one")
                #expect(wrong.status == 1 && wrong.errors.contains("does not open the backup"), "\(command): \(wrong.errors)")
                let other = "\(folder.path)/other.key"
                _ = try await scene.keyturn.keyturn("recovery-key", other)
                let wrongKey = try await scene.keyturn.keyturn(command + ["--recovery", other])
                #expect(wrongKey.status == 1 && wrongKey.errors.contains("does not open the backup"), "\(command): \(wrongKey.errors)")
            }
            #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/none"))
        }
    }

    @Test func `that is not one, not whole, changed, or another vault's, is refused as what it is`() async throws {
        try await Scene.with { scene in
            let folder = scene.keyturn.folder
            let file = "\(folder.path)/the.backup"
            try await scene.done(["backup", file])
            let whole = try #require(folder.files()["the.backup"])
            var changed = whole
            changed[whole.count / 2] ^= 1
            var newer = whole
            newer[15] += 1
            let bad: [(String, [UInt8], String)] = [
                ("not", Array("hello".utf8), "is not a backup"), ("empty", [], "is not a backup"),
                ("cut", whole.dropLast(100), "is not whole"),
                ("changed", changed, "is damaged"), ("newer", newer, "newer than this version"),
            ]
            for (name, content, words) in bad {
                let run = try await scene.keyturn.keyturn("backup", "verify", try folder.file(name, Array(content)))
                #expect(run.status == 1 && run.errors.contains(words), "\(name): \(run.errors)")
            }
            let other = "\(folder.path)/other"
            try await scene.done(["init", "--vault", other])
            let wrong = try await scene.keyturn.keyturn("backup", "verify", file, "--key-file", "\(other).key")
            #expect(wrong.status == 1 && wrong.errors.contains("does not open the backup"), "\(wrong.errors)")
        }
    }
}
