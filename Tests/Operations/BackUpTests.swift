import Foundation
import Model
import Operations
import TestSupport
import Testing
import Vault

@Suite struct `Backing up` {
    private struct WentAway: Error {}

    private static func events(_ harness: ServiceHarness) async throws -> [String] {
        try await harness.service.audit(after: 0, limit: 1000, as: ServiceHarness.root).map(\.event.event).filter { $0.contains("back") }
    }

    @Test func `is recorded when it begins and when it ends, and the status tells when`() async throws {
        let harness = try await ServiceHarness()
        try await harness.setUp()
        #expect(try await harness.service.status(as: ServiceHarness.root).lastBackupAt == nil)
        let run = try await harness.service.backUp(as: ServiceHarness.root)
        #expect(try await Self.events(harness) == ["vault.backup-begun"])
        let began = harness.clock.now()
        harness.clock.advance(by: .seconds(5))
        var pieces: [[UInt8]] = []
        try await run.write { pieces.append($0) }
        #expect(pieces.count >= 3)
        #expect(try await Self.events(harness) == ["vault.backup-begun", "vault.backed-up"])
        #expect(try await harness.service.status(as: ServiceHarness.root).lastBackupAt == began, "the state is the one of its beginning")
    }

    @Test func `that is broken off is not taken for one`() async throws {
        let harness = try await ServiceHarness()
        try await harness.setUp()
        let run = try await harness.service.backUp(as: ServiceHarness.root)
        var count = 0
        await #expect(throws: WentAway.self) {
            try await run.write { _ in
                count += 1
                if count == 2 { throw WentAway() }
            }
        }
        #expect(try await Self.events(harness) == ["vault.backup-begun"])
        #expect(try await harness.service.status(as: ServiceHarness.root).lastBackupAt == nil)
    }

    @Test func `is for who may do everything, and not for a full disk`() async throws {
        let harness = try await ServiceHarness()
        try await harness.setUp()
        let denied = await #expect(throws: Problem.self) { try await harness.service.backUp(as: ServiceHarness.stranger) }
        #expect(denied?.code == .notAllowed)
        harness.engine.fillUp()
        let full = await #expect(throws: Problem.self) { try await harness.service.backUp(as: ServiceHarness.root) }
        #expect(full?.code == .diskFull)
        #expect(try await Self.events(harness) == [])
    }

    @Test func `whose end can't be recorded has no end`() async throws {
        let harness = try await ServiceHarness()
        try await harness.setUp()
        let run = try await harness.service.backUp(as: ServiceHarness.root)
        harness.engine.failNextCommits(with: [.failed("broken")])
        var bytes: [UInt8] = []
        await #expect(throws: Problem.self) { try await run.write { bytes += $0 } }
        let path = "/tmp/kt-backup-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(bytes).write(to: URL(filePath: path))
        #expect(throws: BackupError.cutOff(path: path)) { try BackupFile(path: path) }
    }
}
