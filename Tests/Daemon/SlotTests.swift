import FlashbackStandIn
import Foundation
import Model
import SQLiteEngine
import Secrets
import TestProcesses
import Testing
import Vault

extension Installation {
    /// The ids of the slots of a kind.
    fileprivate func slots(_ kind: String) async throws -> [String] {
        try await keyturn("slot", "list", "--json").document["items"].items.filter { $0["kind"].text == kind }.compactMap { $0["id"].text }
    }
}

@Suite(.timeLimit(.minutes(10))) struct `A way into the vault` {
    @Test func `that is the last one stays, and one that is not there is unknown`() async throws {
        try await Installation.with { keyturn in
            try await keyturn.initialise()
            try await keyturn.start()
            let only = try #require(try await keyturn.slots("credential").first)
            let refused = try await keyturn.keyturn("slot", "remove", only, "--yes", "--json")
            #expect(try refused.status == 1 && refused.problem.code == "last-slot")
            #expect(try refused.problem["next_step"].text?.contains("keyturn slot add") == true)
            #expect(try await keyturn.keyturn("slot", "remove", "nonsense", "--yes", "--json").problem.code == "unknown-slot")
            try await keyturn.terminate()
            try await keyturn.start()
            #expect(try await keyturn.keyturn("status").status == 0)
        }
    }

    @Test func `that was removed opens neither today's vault, nor an old copy in its place`() async throws {
        try await Scene.with { scene in
            let keyturn = scene.keyturn
            let first = try #require(try await keyturn.slots("credential").first)
            let second = "\(keyturn.folder.path)/second.key"
            try await scene.done(["slot", "add", "--key-file", second, "--name", "second"])
            try await keyturn.terminate()
            let old = try Data(contentsOf: URL(filePath: "\(keyturn.vault)/vault.db"))
            try await keyturn.start()
            try await scene.done(["slot", "remove", first, "--yes"])
            #expect(try await scene.rotate().status == 0, "all is there, under the new root key")
            try await keyturn.terminate()
            try await keyturn.start()
            #expect(try await keyturn.keyturn("status", "--json").document["sealed_code"].text == "wrong-key")
            try await keyturn.terminate()
            try await keyturn.start(["--key-file", second])
            #expect(try await scene.versions() == [1: "previous", 2: "current"])
            try await keyturn.terminate()
            try keyturn.folder.file("vault/vault.db", Array(old))
            try await keyturn.start()
            #expect(try await keyturn.keyturn("status", "--json").document["sealed_code"].text == "vault-older")
        }
    }

    @Test func `by passphrase is asked for after each start, and a wrong one changes nothing`() async throws {
        try await Installation.with { keyturn in
            let passphrase = Canary(key: "correct horse battery ")
            let made = try await keyturn.keyturn("init", "--vault", keyturn.vault, "--passphrase", "--stdin", input: passphrase.text)
            #expect(made.status == 0 && !FileManager.default.fileExists(atPath: keyturn.keyFile), "\(made.errors)")
            try await keyturn.start()
            let status = try await keyturn.keyturn("status", "--json").document
            #expect(status["sealed_code"].text == "awaits-passphrase" && status["next_step"].text == "keyturn unseal --passphrase")
            let wrong = try await keyturn.keyturn("unseal", "--passphrase", "--stdin", "--json", input: "a wrong passphrase")
            #expect(try wrong.status == 1 && wrong.problem["detail"].text == "The passphrase does not open this vault.")
            #expect(try await keyturn.keyturn("status").status == 6)
            let right = try await keyturn.keyturn("unseal", "--passphrase", "--stdin", input: passphrase.text)
            #expect(right.status == 0, "\(right.errors)")
            #expect(try await keyturn.keyturn("status").status == 0)
            #expect(CanarySearch([passphrase]).findings(in: keyturn.whatCanBeSeen()) == [])
        }
    }

    @Test func `by recovery key opens a sealed vault, and a box for it opens it once`() async throws {
        try await Installation.with { keyturn in
            let recovery = "\(keyturn.folder.path)/recovery.key"
            let publicKey = try #require(try await keyturn.keyturn("recovery-key", recovery, "--json").document["public_key"].text)
            try await keyturn.initialise()
            try await keyturn.start()
            #expect(try await keyturn.keyturn("slot", "add", "--recipient", publicKey).status == 0)
            #expect(try await keyturn.keyturn("status", "--json").document["slots"]["recipient"].number == 1)
            #expect(try await keyturn.keyturn("seal").status == 0)
            let offered = try await keyturn.call("GET", "/v1/intake-key").document
            #expect(offered["purposes"].items.map(\.text) == ["unseal"])
            #expect(try await keyturn.keyturn("unseal", "--recovery", keyturn.keyFile).status == 0, "a key file will do as well")
            #expect(try await keyturn.keyturn("seal").status == 0)
            #expect(try await keyturn.keyturn("unseal", "--recovery", recovery).status == 0)
            #expect(try await keyturn.keyturn("status").status == 0)
            #expect(try await keyturn.keyturn("seal").status == 0)
            let again = try await keyturn.call("GET", "/v1/intake-key").document
            #expect(again["key"].text != offered["key"].text, "each sealing has its own")
        }
    }

    @Test func `gets a new root key beside a rotation under way, which goes on`() async throws {
        try await Scene.with(.patient) { scene in
            let before = try await scene.keyturn.keyturn("intake-key").output
            scene.standIn.order(.gate, for: .put)
            let rotation = try scene.beginRotating()
            await scene.standIn.waitFor(1, of: .put)
            try await scene.done(["rekey"])
            scene.standIn.release()
            #expect(try await rotation.result().status == 0)
            #expect(try await scene.versions() == [1: "previous", 2: "current"])
            #expect(try await scene.keyturn.keyturn("intake-key").output != before)
            try await scene.keyturn.kill()
            try await scene.keyturn.start()
            #expect(try await scene.keyturn.keyturn("status").status == 0)
            #expect(try await scene.versions() == [1: "previous", 2: "current"])
        }
    }
}

@Suite(.timeLimit(.minutes(10))) struct `A vault from elsewhere` {
    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/etc/machine-id")))
    func `such as another machine opens in quarantine`() async throws {
        try await Installation.with { keyturn in
            let (folder, file) = (VaultFolder(path: keyturn.vault), keyturn.keyFile)
            let (now, random) = (Timestamp(Date()), SystemRandom())
            let key = try KeyFile.readOrCreate(file, random: random)
            try folder.create { (engine) throws(VaultError) in
                try OpenVault.create(
                    in: engine, unlockKey: key, recovery: nil, owner: "another machine", at: now, random: random)
            }
            try await keyturn.start()
            let end = ContinuousClock.now + .seconds(60)
            var outcomes: [String?] = []
            while outcomes.isEmpty, ContinuousClock.now < end {
                outcomes = try await keyturn.keyturn("audit", "--json").document["items"].items
                    .filter { $0["event"].text == "vault.quarantined" }.map { $0["outcome"].text }
            }
            #expect(outcomes == ["other-machine"])
            let status = try await keyturn.keyturn("status", "--json")
            #expect(try status.document["quarantine"]["next_step"].text == "keyturn release --all" && status.status == 1)

            // From here on it is this machine's.
            for _ in 1...2 { #expect(try await keyturn.keyturn("release", "--all").status == 0) }
            try await keyturn.terminate()
            try await keyturn.start()
            #expect(try await keyturn.keyturn("status").status == 0)
            let events = try await keyturn.keyturn("audit", "--json").document["items"].items.compactMap { $0["event"].text }
            #expect(events.count { $0 == "vault.quarantined" } == 1 && events.count { $0 == "vault.released" } == 1)
        }
    }

    @Test func `of format 1 opens with all that was in it`() async throws {
        let fixture = "\(#filePath)".replacing("SlotTests.swift", with: "Fixtures/format-1")
        try await Installation.with { keyturn in
            try FileManager.default.createDirectory(
                atPath: keyturn.vault, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
            for (from, to) in [("vault.db", "vault/vault.db"), ("vault.key", "vault.key")] {
                try keyturn.folder.file(to, Array(try #require(FileManager.default.contents(atPath: "\(fixture)/\(from)"))))
            }
            try await keyturn.start()
            #expect(try await keyturn.keyturn("config", "list", "--json").document["items"].items.count == 2)
            let versions = try await keyturn.keyturn("versions", "openai-prod", "--json").document["items"].items
            #expect(versions.compactMap { $0["version"].number }.sorted() == [1, 2, 3, 4, 5])
            #expect(try await keyturn.keyturn("history", "openai-prod", "--json").document["items"].items.count == 2)
            #expect(try await keyturn.keyturn("upstream", "show", "fb", "--json").document["bearer"].text == "access-token")
            #expect(keyturn.folder.files()["vault/vault.db.format-1"] != nil)
            try await keyturn.terminate()
            try await keyturn.start()
            #expect(
                try await keyturn.keyturn("audit", "--json").document["items"].items.count { $0["event"].text == "vault.migrated" } == 1)
        }
    }
}
