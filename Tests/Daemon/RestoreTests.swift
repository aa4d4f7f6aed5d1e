import FlashbackStandIn
import Foundation
import Glibc
import TestProcesses
import Testing

@Suite(.timeLimit(.minutes(10))) struct `A vault restored from a backup` {
    /// Loses the vault, and makes it anew out of the backup.
    private static func restore(_ scene: Scene, from file: String) async throws {
        try await scene.keyturn.kill()
        try FileManager.default.moveItem(atPath: scene.keyturn.vault, toPath: "\(scene.keyturn.vault).lost")
        let restored = try await scene.keyturn.keyturn("restore", file, "--vault", scene.keyturn.vault)
        try #require(restored.status == 0, "\(restored.errors)")
        #expect(restored.output.contains("in quarantine"))
        try await scene.keyturn.start()
    }

    @Test func `leaves what was under way to the operator, and rotates again when released`() async throws {
        try await Scene.with(.patient) { scene in
            let file = "\(scene.keyturn.folder.path)/the.backup"
            scene.standIn.order(.gate, for: .put)
            let command = try scene.beginRotating()
            await scene.standIn.waitFor(1, of: .put)
            try await scene.done(["backup", file])
            let puts = scene.standIn.count(of: .put)
            try await Self.restore(scene, from: file)
            _ = try await command.result()
            scene.standIn.release()

            let stuck = try await scene.rotation(in: "stuck")
            let id = try #require(stuck["id"].text)
            let status = try await scene.keyturn.keyturn("status")
            #expect(status.status == 1 && status.output.contains("In quarantine") && status.output.contains("keyturn release --all"))
            let pasted = try await scene.keyturn.keyturn("status", "--socket", scene.keyturn.proxySocket).output
            #expect(pasted.contains("  try: keyturn --socket \(scene.keyturn.proxySocket) release --all\n"), "the daemon that was asked")
            let shown = try await scene.keyturn.keyturn("config", "show", Scene.config, "--json").document
            #expect(shown["state"].text == "quarantined" && shown["next_step"].text == "keyturn release \(Scene.config)")
            for arguments in [["rotate", Scene.config], ["resolve", id, "--retry"], ["rollback", Scene.config]] {
                let refused = try await scene.keyturn.keyturn(arguments + ["--json"])
                #expect(try refused.status == 1 && refused.problem.code == "quarantined", "\(arguments): \(refused.errors)")
            }
            #expect(scene.standIn.count(of: .put) == puts, "nothing goes out")

            try await scene.done(["release", Scene.config])
            try await scene.done(["resolve", id, "--retry"])
            #expect(try await scene.versions() == [1: "previous", 2: "current"] && scene.held == "new")
            let released = try await scene.keyturn.keyturn("release", "--all", "--json")
            #expect(try released.status == 0 && released.document["released"].bool == true)
            #expect(try await scene.keyturn.keyturn("status").status == 0)
            let again = try await scene.keyturn.keyturn("release", "--all")
            #expect(again.status == 0 && again.output == "The vault is not in quarantine; nothing was changed.\n")
            #expect(try await scene.keyturn.keyturn("release", "--all", "--json").document["released"].bool == false)
            let events = try await scene.audit().compactMap { $0["event"].text }
            for event in ["vault.restored", "rotation.stuck", "config.released", "vault.released"] { #expect(events.contains(event)) }
            try await scene.keyturn.terminate()
            try await scene.keyturn.start()
            #expect(try await scene.keyturn.keyturn("status").status == 0)
        }
    }

    @Test func `takes a new key without being released`() async throws {
        try await Scene.with { scene in
            let file = "\(scene.keyturn.folder.path)/the.backup"
            try await scene.done(["backup", file])
            #expect(try await scene.rotate().status == 0)
            // The backup knows nothing of that rotation.
            try await Self.restore(scene, from: file)
            let refused = try await scene.rotate()
            #expect(try refused.status == 1 && refused.problem.code == "quarantined", "\(refused.errors)")
            let newer = Canary(key: "key")
            try await scene.stage(newer)
            #expect(try await scene.rotate().status == 0)
            #expect(scene.held == newer.text)
            // The lost daemon may have put it already: it would go back to an older key.
            #expect(try await scene.versions() == [1: "previous", 2: "rejected", 3: "current"])
        }
    }

    @Test func `is not made over another one, nor out of a bad backup, nor without the key`() async throws {
        try await Scene.with { scene in
            let folder = scene.keyturn.folder
            let file = "\(folder.path)/the.backup"
            try await scene.done(["backup", file])
            let before = folder.files()["vault/vault.db"]
            let exists = try await scene.keyturn.keyturn("restore", file, "--vault", scene.keyturn.vault)
            #expect(exists.status == 1 && exists.errors.contains("nothing was overwritten"), "\(exists.errors)")
            #expect(folder.files()["vault/vault.db"] == before)

            var changed = try #require(folder.files()["the.backup"])
            changed[changed.count / 2] ^= 1
            let bad = try folder.file("changed", changed)
            let place = "\(folder.path)/elsewhere"
            try await scene.done(["init", "--vault", "\(folder.path)/other"])
            for (arguments, words) in [
                ([bad, "--key-file", scene.keyturn.keyFile], "is damaged"), ([file], "by --key-file, or use --recovery"),
                ([file, "--key-file", "\(folder.path)/other.key"], "does not open the backup"),
            ] {
                let refused = try await scene.keyturn.keyturn(["restore"] + arguments + ["--vault", place])
                #expect(refused.status == 1 && refused.errors.contains(words), "\(refused.errors)")
                #expect(!folder.files().keys.contains { $0.hasPrefix("elsewhere") })
            }
            let restored = try await scene.keyturn.keyturn("restore", file, "--vault", place, "--key-file", scene.keyturn.keyFile)
            #expect(restored.status == 0 && restored.output.contains(": 1 config."), "\(restored.output)\(restored.errors)")
            #expect(folder.files().keys.contains("elsewhere/vault.db"))
        }
    }
}
