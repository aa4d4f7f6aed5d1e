import Foundation
import Model
import Rotations
import Secrets
import Synchronization
import TestSupport
import Testing

@testable import Access
@testable import Operations
@testable import Vault

@Suite(.timeLimit(.minutes(5))) struct `The audit log` {
    /// Entries 1 to 5: made, unsealed, and what setting up leaves.
    private static func keyturn() async throws -> ServiceHarness {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-1")
        return keyturn
    }

    /// Somebody who has the vault's keys, but not the audit log's.
    private struct Forger {
        let engine: MemoryEngine
        let vault: OpenVault

        init(_ keyturn: ServiceHarness) throws {
            engine = keyturn.engine
            vault = try OpenVault.open(engine, unlockKey: EngineSource(engine).unlockKey, at: keyturn.clock.now(), random: keyturn.random)
        }

        func entry(_ seq: Int64) throws -> AuditEntry {
            try #require(try VaultView(vault: vault).get(.audit, .sequence(seq)))
        }

        func put(_ entry: AuditEntry, at seq: Int64) {
            let key = vault.engineKey(.audit, .sequence(seq))
            let revision = (engine.records.first { $0.key == key }?.revision ?? 0) + 1
            let value = vault.seal(RecordJSON.encode(entry), at: key, revision: revision)
            engine.replace(key, with: EngineRecord(key: key, revision: revision, value: value))
        }

        func remove(_ seq: Int64) { engine.replace(vault.engineKey(.audit, .sequence(seq)), with: nil) }

        /// With the state that goes with it.
        func state() throws -> EngineRecord { try #require(engine.records.first { $0.key == OpenVault.stateKey }) }
    }

    enum Forgery: CaseIterable {
        case changed, removed, reordered, renumbered, inserted, appended, truncated, truncatedWithState, madeUpWithoutItsKey
        case anotherMAC
    }

    @Test(arguments: Forgery.allCases)
    func `is not as it was written when somebody has worked on it, even with the vault's own keys`(_ forgery: Forgery) async throws {
        let keyturn = try await Self.keyturn()
        let forger = try Forger(keyturn)
        let stateBefore = try forger.state()
        let last = try await keyturn.service.verifyAudit(after: nil, as: ServiceHarness.root).last
        #expect(last.seq == 5)
        let (third, fourth) = (try forger.entry(3), try forger.entry(4))
        let other = AuditEvent(at: someTime, "config.created", by: nil)
        let expected: AuditCheck.Fault
        switch forgery {
        case .changed:
            forger.put(AuditEntry(seq: 3, event: other, mac: third.mac), at: 3)
            expected = .changed(seq: 3)
        case .removed:
            forger.remove(3)
            expected = .missing(seq: 3)
        case .reordered:
            forger.put(AuditEntry(seq: 3, event: fourth.event, mac: fourth.mac), at: 3)
            forger.put(AuditEntry(seq: 4, event: third.event, mac: third.mac), at: 4)
            expected = .changed(seq: 3)
        case .renumbered:
            forger.put(third, at: 4)
            expected = .misplaced(seq: 3)
        case .inserted:
            let fifth = try forger.entry(5)
            forger.put(AuditEntry(seq: 4, event: other, mac: fourth.mac), at: 4)
            forger.put(AuditEntry(seq: 5, event: fourth.event, mac: fourth.mac), at: 5)
            forger.put(AuditEntry(seq: 6, event: fifth.event, mac: fifth.mac), at: 6)
            expected = .changed(seq: 4)
        case .appended:
            forger.put(AuditEntry(seq: 6, event: other, mac: forger.vault.mac(of: other, at: 6, after: last.mac)), at: 6)
            expected = .replaced(seq: 6)
        case .truncated:
            forger.remove(5)
            expected = .truncated(seq: 4)
        case .truncatedWithState:
            try await keyturn.stage("key-2")
            forger.engine.replace(OpenVault.stateKey, with: stateBefore)
            forger.remove(6)
            expected = .truncated(seq: 5)
        case .madeUpWithoutItsKey:
            forger.put(AuditEntry(seq: 5, event: other, mac: nil), at: 5)
            expected = .changed(seq: 5)
        case .anotherMAC:
            // Even with the log's key: the daemon knows what it wrote last.
            let mac = forger.vault.mac(of: other, at: 5, after: fourth.mac)
            forger.put(AuditEntry(seq: 5, event: other, mac: mac), at: 5)
            expected = .replaced(seq: 5)
        }
        await keyturn.vault.forgetDecoded()
        let verdict = try await keyturn.service.verifyAudit(after: nil, as: ServiceHarness.root)
        #expect(verdict.fault == expected)
        #expect(!verdict.isEnd)
    }

    private static func entries(_ keyturn: ServiceHarness, after seq: Int64 = 0) async throws -> [AuditEntry] {
        try await keyturn.service.events(after: seq, limit: 1000)
    }

    @Test func `is as it was written over a rekey and a copy that was put back, and says where that was`() async throws {
        let keyturn = try await Self.keyturn()
        _ = try await keyturn.service.rekey(as: ServiceHarness.root)
        await keyturn.kill()
        keyturn.mirror.bytes = nil
        let elsewhere = try await ServiceHarness(after: keyturn, opens: false)
        try await elsewhere.service.open(.accepted, by: nil)
        let verdict = try await elsewhere.service.verifyAudit(after: nil, as: ServiceHarness.root)
        #expect(verdict.fault == nil && verdict.isEnd && verdict.unchained == 0)
        #expect(verdict.checked == Int(try await elsewhere.vault.lastAudit.seq) && verdict.begins == .beginning)
        #expect(verdict.quarantines.map(\.event.outcome) == ["older"])
        #expect(verdict.last == (try await elsewhere.vault.lastAudit))
    }

    @Test func `is verified in parts, each of which knows the one before`() async throws {
        let keyturn = try await Self.keyturn()
        let all = try await Self.entries(keyturn)
        for cut in 0...all.count {
            let first = try await keyturn.service.verifyAudit(Array(all[..<cut]), after: .beginning, as: ServiceHarness.root)
            #expect(first.fault == nil && first.isInLog && first.checked == cut)
            let rest = try await keyturn.service.verifyAudit(Array(all[cut...]), after: first.last, as: ServiceHarness.root)
            #expect(rest.fault == nil && rest.isInLog && rest.last == all.last?.mark)
        }
        let skipped = try await keyturn.service.verifyAudit(Array(all[2...]), after: all[0].mark, as: ServiceHarness.root)
        #expect(skipped.fault == .missing(seq: 2))
        let wrong = AuditMark(seq: 1, mac: all[3].mac)
        #expect(try await keyturn.service.verifyAudit(Array(all[1...]), after: wrong, as: ServiceHarness.root).fault == .changed(seq: 2))
        #expect(try await keyturn.service.verifyAudit([], after: wrong, as: ServiceHarness.root).isInLog == false)
        let beyond = await #expect(throws: Problem.self) { try await keyturn.service.verifyAudit(after: 99, as: ServiceHarness.root) }
        #expect(beyond?.code == .badRequest)
    }

    @Test func `that was pruned stays verifiable, and so does what was exported before`() async throws {
        let keyturn = try await Self.keyturn()
        for number in 1...3 { try await keyturn.stage("key-\(number + 1)") }
        let all = try await Self.entries(keyturn)
        let (early, late) = (all[2].mark, all[5].mark)
        #expect(try await keyturn.service.pruneAudit(after: .beginning, through: early, as: ServiceHarness.root) == early)
        #expect(try await keyturn.service.pruneAudit(after: early, through: late, as: ServiceHarness.root) == late)
        #expect(try await Self.entries(keyturn).first?.seq == 7)
        await keyturn.vault.forgetDecoded()
        let verdict = try await keyturn.service.verifyAudit(after: nil, as: ServiceHarness.root)
        #expect(verdict.fault == nil && verdict.isEnd && verdict.begins == late)
        for exported in [all[..<3], all[3..<6]] {
            let before = exported.startIndex == 0 ? AuditMark.beginning : all[exported.startIndex - 1].mark
            let kept = try await keyturn.service.verifyAudit(Array(exported), after: before, as: ServiceHarness.root)
            #expect(kept.fault == nil && kept.isInLog)
        }
        #expect(try await Self.entries(keyturn).suffix(2).map(\.event.event) == ["audit.pruned", "audit.pruned"])
        // Again, as after an answer that was lost.
        #expect(try await keyturn.service.pruneAudit(after: early, through: late, as: ServiceHarness.root) == late)
        #expect(try await keyturn.service.verifyAudit(after: nil, as: ServiceHarness.root).last == verdict.last)
    }

    @Test func `is pruned of nothing that was not exported from it`() async throws {
        let keyturn = try await Self.keyturn()
        let all = try await Self.entries(keyturn)
        let forged = AuditMark(seq: 3, mac: all[3].mac)
        for (after, through) in [
            (AuditMark.beginning, forged), (all[0].mark, all[2].mark), (.beginning, AuditMark(seq: 99, mac: all[0].mac)),
        ] {
            let refused = await #expect(throws: Problem.self) {
                try await keyturn.service.pruneAudit(after: after, through: through, as: ServiceHarness.root)
            }
            #expect(refused?.code == .auditMismatch)
        }
        let denied = await #expect(throws: Problem.self) {
            try await keyturn.service.pruneAudit(after: .beginning, through: all[2].mark, as: ServiceHarness.stranger)
        }
        #expect(denied?.code == .notAllowed)
        #expect(try await Self.entries(keyturn) == all)
    }

    @Test func `that is pruned in more than one commit can be cut off between them`() async throws {
        let keyturn = try await Self.keyturn()
        try await withThrowingTaskGroup { group in
            // At once, so that they share commits.
            for _ in 0..<1200 {
                group.addTask { try await keyturn.vault.write { _ in .changed((), AuditEvent(at: someTime, "config.changed", by: nil)) } }
            }
            try await group.waitForAll()
        }
        let end = try await keyturn.vault.lastAudit
        keyturn.engine.fillUp(after: 1)
        await #expect(throws: Problem.self) {
            try await keyturn.service.pruneAudit(after: .beginning, through: end, as: ServiceHarness.root)
        }
        keyturn.engine.makeRoom()
        await keyturn.vault.forgetDecoded()
        #expect(try await keyturn.service.verifyAudit(after: nil, as: ServiceHarness.root).fault == nil)
        #expect(try await keyturn.service.pruneAudit(after: .beginning, through: end, as: ServiceHarness.root) == end)
        #expect(try await keyturn.service.verifyAudit(after: nil, as: ServiceHarness.root).isEnd)
    }

    @Test func `has one entry for what a caller reads in a minute, written before anything is shown`() async throws {
        let keyturn = try await Self.keyturn()
        let shown = try await keyturn.service.audit(after: 0, limit: 100, as: ServiceHarness.root)
        #expect(shown.last?.event.event == "audit.read" && shown.last?.event.caller?.uid == 0)
        _ = try await keyturn.service.audit(after: 2, limit: 100, as: ServiceHarness.root)
        #expect(try await Self.entries(keyturn, after: 5).count == 1)
        keyturn.clock.advance(by: .seconds(60))
        keyturn.engine.failNextCommits(with: [.failed("on purpose")])
        await #expect(throws: Problem.self) { try await keyturn.service.audit(after: 0, limit: 100, as: ServiceHarness.root) }
        _ = try await keyturn.service.audit(after: 0, limit: 100, as: ServiceHarness.root)
        #expect(try await Self.entries(keyturn, after: 5).count == 2)
    }

    @Test func `tells of a denial at once, and of those that follow within a minute together`() async throws {
        let keyturn = try await Self.keyturn()
        let denials = keyturn.service.denials
        let stranger = Caller(ServiceHarness.stranger.identity, under: ServiceHarness.stranger.policy, onDenial: denials.note)
        func tries(_ count: Int, _ name: ConfigName) async {
            for _ in 0..<count {
                await #expect(throws: Problem.self) {
                    try await keyturn.service.rotate(name, RotationRequest(.rotate), .untilSettled, as: stranger)
                }
            }
        }
        func due() async { await keyturn.service.recordDenialsDue(at: keyturn.clock.uptime()) { _ in } }
        func recorded() async throws -> [String] {
            try await Self.entries(keyturn, after: 5).map { entry in
                let event = entry.event
                return
                    "\(event.event) \(event.caller?.uid ?? 0) \(event.config.map { "\($0)" } ?? "-") \(event.outcome ?? "-") \(event.reason ?? "-")"
            }
        }
        await tries(1, ServiceHarness.config)
        await due()
        await tries(6, try ConfigName("not-there"))
        await due()
        #expect(try await recorded() == ["access.denied 4711 openai-prod rotate -"])
        keyturn.clock.advance(by: .seconds(60))
        await due()
        #expect(try await recorded().dropFirst() == ["access.denied 4711 not-there rotate the last of 6 requests"])
        keyturn.clock.advance(by: .seconds(60))
        await due()
        #expect(try await recorded().count == 2)
    }

    @Test func `tells of what was denied while the vault was sealed once it is open`() async throws {
        let keyturn = try await Self.keyturn()
        let stranger = Caller(
            ServiceHarness.stranger.identity, under: ServiceHarness.stranger.policy, onDenial: keyturn.service.denials.note)
        try await keyturn.service.seal(as: ServiceHarness.root)
        for _ in 0..<2 { await #expect(throws: Problem.self) { try await keyturn.service.unseal(.refused, as: stranger) } }
        let unrecorded = Mutex<[AuditEvent]>([])
        await keyturn.service.recordDenialsDue(at: keyturn.clock.uptime()) { event in unrecorded.withLock { $0.append(event) } }
        #expect(unrecorded.withLock(\.self).map(\.outcome) == ["admin"])
        try await keyturn.service.unseal(.refused, as: ServiceHarness.root)
        keyturn.clock.advance(by: .seconds(60))
        await keyturn.service.recordDenialsDue(at: keyturn.clock.uptime()) { event in unrecorded.withLock { $0.append(event) } }
        let told = try #require(try await Self.entries(keyturn, after: 5).last)
        #expect(told.event.event == "access.denied" && told.event.reason == "the last of 2 requests" && told.event.caller?.uid == 4711)
        #expect(unrecorded.withLock(\.count) == 1)
    }

    @Test func `of more callers than are told apart has one entry for the rest`() async throws {
        let keyturn = try await Self.keyturn()
        for uid in 1...300 {
            keyturn.service.denials.note(
                CallerIdentity(uid: UInt32(uid), gid: 0, groups: [], pid: 1, unit: nil), .rotate, .config(ServiceHarness.config))
        }
        await keyturn.service.recordDenialsDue(at: keyturn.clock.uptime()) { _ in }
        let entries = try await Self.entries(keyturn, after: 5)
        #expect(entries.count == 257)
        #expect(entries.filter { $0.event.caller == nil }.map(\.event.reason) == ["the last of 44 requests"])
    }

    @Test func `of an earlier release is told apart from what has MACs`() async throws {
        let keyturn = try await Self.keyturn()
        let forger = try Forger(keyturn)
        // As an earlier release left it: no MACs, and a state that knows nothing of them.
        for seq in Int64(1)...5 { forger.put(AuditEntry(seq: seq, event: try forger.entry(seq).event, mac: nil), at: seq) }
        var state = try VaultView(vault: forger.vault).vaultState()
        state.audit = nil
        state.records = RecordSetHash()
        for record in forger.engine.records where record.key != OpenVault.stateKey { state.records.add(forger.vault.digest(of: record)) }
        let before = try forger.state()
        let value = forger.vault.seal(RecordJSON.encode(state), at: OpenVault.stateKey, revision: before.revision + 1)
        forger.engine.replace(
            OpenVault.stateKey, with: EngineRecord(key: OpenVault.stateKey, revision: before.revision + 1, value: value))
        await keyturn.kill()
        let after = try await ServiceHarness(after: keyturn)
        let verdict = try await after.service.verifyAudit(after: nil, as: ServiceHarness.root)
        #expect(verdict.fault == nil && verdict.isEnd && verdict.unchained == 5 && verdict.checked == 6)
        #expect(try await Self.entries(after).map { $0.mac != nil } == [false, false, false, false, false, true])
    }
}

private let someTime = Timestamp(milliseconds: 1_800_000_000_000)
