import FlashbackStandIn
import Foundation
import Model
import Operations
import SQLiteEngine
import Secrets
import TestProcesses
import Testing
import Vault

extension Scene {
    /// Moves a config's due time into the past, behind the daemon's back: a minute is the shortest interval that it takes.
    func makeDue(_ name: String = config, ago: Duration = .seconds(60)) async throws {
        try await keyturn.terminate()
        let (folder, keyFile, now) = (VaultFolder(path: keyturn.vault), keyturn.keyFile, Timestamp(Date()))
        let vault = VaultStore(audience: Nobody(), mirror: CounterFile(path: folder.defaultCounterFile))
        try await vault.unseal(Admission(at: now, by: nil, machine: nil, older: .refused)) { () throws(VaultError) in
            try folder.open(unlockKey: KeyFile.read(keyFile, systemdCredential: false), at: now, random: SystemRandom())
        }
        try await vault.write { transaction in
            let kind = RecordKind<ConfigRecord>(tag: 0x10, name: "config")
            guard var config = try transaction.get(kind, .named(name)) else { throw CocoaError(.fileNoSuchFile) }
            config.dueAt = now - ago
            try transaction.put(kind, .named(name), config)
            return .changed((), AuditEvent(at: now, "config.changed", by: nil, config: config.name))
        }
        await vault.seal()
        try await keyturn.start()
    }
}

private struct Nobody: AuditAudience {
    func recorded(_ entry: AuditEntry) {}
    func notRecorded(_ changes: Int) {}
    func roomChanged(to room: VaultStore.Room) {}
}

@Suite(.timeLimit(.minutes(10))) struct `Configs that are due` {
    static let monthly = ["--every", "30d"]

    @Test func `are rotated by --all-due and by --if-due, and are not due then`() async throws {
        try await Scene.with { scene in
            scene.standIn.addConfiguration(id: "second", name: "second", key: "something")
            try await scene.addConfig("second", id: "second")
            let other = Canary(key: "key")
            try await scene.stage(other, for: "second")
            for config in [Scene.config, "second"] {
                try await scene.done(["config", "set", config] + Self.monthly)
                try await scene.makeDue(config)
            }
            #expect(try await scene.keyturn.keyturn("config", "show", Scene.config, "--json").document["state"].text == "due")
            #expect(try await scene.keyturn.keyturn("config", "list", "--due", "--json").document["items"].items.count == 2)
            #expect(try await scene.rotate("--if-due").status == 0)
            let rest = try await scene.keyturn.keyturn("rotate", "--all-due", "--json")
            #expect(rest.status == 0, "\(rest.errors)")
            let items = try rest.document["items"].items
            #expect(items.map { $0["config"].text } == ["second"] && items.first?["outcome"].text == "rotated")
            #expect(scene.held == "new" && scene.held("second") == other.text)
            #expect(try await scene.rotate("--if-due").status == 5)
            #expect(try await scene.keyturn.keyturn("rotate", "--all-due").status == 5)
        }
    }

    @Test func `one that fails stops no other, and makes the end a failure`() async throws {
        try await Scene.with { scene in
            scene.standIn.addConfiguration(id: "second", name: "second", key: "something")
            try await scene.addConfig("second", id: "second")
            let other = Canary(key: "key")
            try await scene.stage(other, for: "second")
            for config in [Scene.config, "second"] {
                try await scene.done(["config", "set", config] + Self.monthly)
                try await scene.makeDue(config)
            }
            scene.standIn.order(.status(403), for: .put, id: Scene.remoteID, times: .max)
            let run = try await scene.keyturn.keyturn("rotate", "--all-due", "--json")
            #expect(run.status == 1)
            let outcomes = try run.document["items"].items.map { "\($0["config"].text ?? "?") \($0["outcome"].text ?? "?")" }
            #expect(outcomes == ["\(Scene.config) failed", "second rotated"])
            // Held: the next timer does not try the same again, and says so by not being due.
            let held = try await scene.keyturn.keyturn("rotate", "--all-due")
            #expect(held.status == 5, "\(held.errors)")
            #expect(scene.standIn.count(of: .put) == 2)
        }
    }

    @Test func `one that is a day late is overdue, and status says so by its exit`() async throws {
        try await Scene.with(.init { $0.stages = false }) { scene in
            try await scene.done(["config", "set", Scene.config] + Self.monthly)
            #expect(try await scene.keyturn.keyturn("status").status == 0)
            try await scene.makeDue(ago: .seconds(90_000))
            let status = try await scene.keyturn.keyturn("status", "--json")
            #expect(status.status == 1)
            let attention = try #require(try status.document["attention"].items.first)
            #expect(attention["config"].text == Scene.config && attention["state"].text == "overdue")
            #expect(attention["next_step"].text == "keyturn stage \(Scene.config)")
        }
    }

    @Test func `a rotation by itself, where the daemon is told to`() async throws {
        try await Scene.with { scene in
            try await scene.done(["config", "set", Scene.config] + Self.monthly)
            try await scene.makeDue()
            try await scene.keyturn.terminate()
            try await scene.keyturn.start(["--rotate-due"])
            try await scene.rotation(in: "succeeded")
            #expect(scene.held == "new")
        }
    }
}
