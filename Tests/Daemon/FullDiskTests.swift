import FlashbackStandIn
import Foundation
import TestProcesses
import Testing

/// On a tmpfs of its own: that takes root and unshare(1).
@Suite(
    .timeLimit(.minutes(10)),
    .enabled(if: SmallDisk.isPossible, "skipped: a small disk in a mount namespace of its own takes root, unshare(1) and nsenter(1)")
) struct `A vault whose disk is full` {
    private static func with(_ body: @escaping (Scene, SmallDisk) async throws -> Void) async throws {
        try await Scene.with(.patient) { scene in
            let openings = try await scene.openings()
            try await scene.keyturn.terminate()
            let disk = try await scene.keyturn.moveVault(toDiskOf: 8)
            try await scene.keyturn.start()
            // That it is open is written down whatever the disk says, and after the first answers.
            try await scene.until("its opening is on record") { try await scene.openings() > openings }
            try await body(scene, disk)
        }
    }

    @Test func `sends nothing, says so, still reads, and goes on by itself when there is room`() async throws {
        try await Self.with { scene, disk in
            try disk.fill()
            let before = scene.standIn.count(of: .put)
            // The first one may still fit into what the write-ahead log has already.
            try await scene.fillWriteAheadLog()
            for _ in 1...2 {
                let refused = try await scene.rotate()
                #expect(try refused.status == 1 && refused.problem.code == "disk-full", "\(refused.errors)")
            }
            #expect(scene.standIn.count(of: .put) == before && scene.held == "old")
            #expect(try disk.bytes(of: "reserve") == 1 << 20, "what is refused takes nothing of the reserve")
            #expect(try await scene.versions() == [1: "current", 2: "staged"])
            let status = try await scene.keyturn.keyturn("status")
            #expect(status.status == 1 && status.output.contains("The disk that holds the vault is full"), "\(status.output)")
            #expect(try await scene.keyturn.keyturn("status", "--json").document["disk_full"].bool == true)
            #expect(scene.keyturn.log.contains("disk-full"))
            let metrics = try Exposition(try await scene.keyturn.call("GET", "/metrics").body)
            #expect(try #require(metrics.value("keyturn_audit_failures_total")) > 0)
            #expect(try #require(metrics.value("keyturn_vault_free_bytes")) < 1_048_576)
            disk.makeRoom()
            let rotated = try await scene.rotate()
            #expect(rotated.status == 0 && scene.held == "new", "\(rotated.errors)")
            #expect(try await scene.keyturn.keyturn("status").status == 0)
        }
    }

    @Test func `records what came of a rotation under way, audit entry and all`() async throws {
        try await Self.with { scene, disk in
            scene.standIn.order(.gate, for: .put)
            let command = try scene.beginRotating()
            await scene.standIn.waitFor(1, of: .put)
            try disk.fill()
            try await scene.fillWriteAheadLog()
            // Somebody else goes on filling it.
            try disk.fill()
            #expect(try await scene.keyturn.keyturn("status", "--json").document["disk_full"].bool == true)
            scene.standIn.release()
            let run = try await command.result()
            #expect(run.status == 0, "\(run.errors)")
            #expect(try await scene.versions() == [1: "previous", 2: "current"] && scene.held == "new")
            #expect(try await scene.audit().contains { $0["event"].text == "rotation.succeeded" })
            disk.makeRoom()
            try await scene.until("there is room again") {
                try await scene.keyturn.keyturn("status", "--json").document["disk_full"].bool == false
            }
        }
    }

    /// A clean stop takes the write-ahead log away, which even reading needs.
    @Test(arguments: [true, false])
    func `is read after a start without any room, and rotates once there is some`(_ isKilled: Bool) async throws {
        try await Self.with { scene, disk in
            try disk.fill()
            try await scene.fillWriteAheadLog()
            if isKilled { try await scene.keyturn.kill() } else { try await scene.keyturn.terminate() }
            try disk.fill()
            try await scene.keyturn.start()
            let refused = try await scene.rotate()
            #expect(try refused.status == 1 && refused.problem.code == "disk-full", "\(refused.errors)")
            #expect(try await scene.versions() == [1: "current", 2: "staged"], "reading goes on")
            disk.makeRoom()
            try await scene.until("the vault is open", within: .seconds(60)) { try await scene.keyturn.keyturn("status").status == 0 }
            #expect(try await scene.rotate().status == 0 && scene.held == "new")
        }
    }
}

extension Scene {
    fileprivate func openings() async throws -> Int {
        try await audit().count { $0["event"].text == "vault.unsealed" }
    }

    /// Writes until nothing fits any more: the write-ahead log takes some commits into room that it has already.
    fileprivate func fillWriteAheadLog() async throws {
        for number in 1...2000 {
            let run = try await keyturn.keyturn("config", "set", Self.config, "--description", "change \(number)", "--json")
            if run.status == 0 { continue }
            try #require(try run.problem.code == "disk-full", "\(run.errors)")
            return
        }
        throw TookTooLong(what: "the disk is not full")
    }
}
