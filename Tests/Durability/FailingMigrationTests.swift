import Foundation
import Glibc
import TestProcesses
import Testing

extension `A call that fails` {
    static let migrating = whileReplacing(writes: 80, syncs: 14, renames: 7)

    @Test(arguments: migrating) func `while a vault of format 1 is brought to today's is told, and leaves one or the other`(_ kind: Kind)
        async throws
    {
        let scratch = try PrivateFolder()
        defer { scratch.remove() }
        try await Installation.with(settings: Site.settings) { keyturn in
            let migration = try await Migration(keyturn, scratch)
            try await Self.each(kind) { failing, log in try await migration.attempt(failing, log) }
        }
    }
}

/// The first start over a vault that the release before format 2 left behind.
private struct Migration {
    let keyturn: Installation
    let scratch: PrivateFolder
    let kept: KeptVault
    let recoveryKey: String
    /// What a migration without trouble makes of it.
    let expected: Look

    private typealias Wrong = `A call that fails`.Wrong

    private static let fixture = "\(#filePath)".replacing("Durability/FailingMigrationTests.swift", with: "Daemon/Fixtures/format-1")

    init(_ keyturn: Installation, _ scratch: PrivateFolder) async throws {
        (self.keyturn, self.scratch) = (keyturn, scratch)
        let bytes = { (name: String) in Array(try Data(contentsOf: URL(filePath: "\(Self.fixture)/\(name)"))) }
        kept = KeptVault(["vault/vault.db": try bytes("vault.db"), "vault.key": try bytes("vault.key")])
        recoveryKey = try scratch.file("recovery.key", bytes("recovery.key"))
        try kept.place(in: keyturn)
        expected = try await Look(at: keyturn, in: scratch, keyFiles: [keyturn.keyFile, recoveryKey])
        guard expected.reading.configs.count == 2, expected.slots.count == 2 else { throw Wrong(description: "not the fixture") }
    }

    func attempt(_ failing: Faults.Failing, _ log: CallLog) async throws {
        try kept.place(in: keyturn)
        let daemon = try keyturn.launch(in: `A call that fails`.surroundings(failing, keyturn, log))
        let first = try await outcome(of: daemon)
        let hasFailed = try log.entries().contains { if case .fault = $0 { true } else { false } }
        switch first {
        case .open: break
        case .sealed:
            guard hasFailed else { throw Wrong(description: "sealed without a failure\n\(keyturn.log)") }
            // One failure is no trouble for long; after the other error the daemon is not given the time to show that.
            if failing.error == "EIO" { try await unseal() }
        case .ended:
            guard hasFailed, failing.error == "KILL" || keyturn.log.contains("can't") else {
                throw Wrong(description: "keyturnd \(daemon.ending.map { "\($0)" } ?? "runs")\n\(keyturn.log)")
            }
        }
        daemon.send(SIGKILL)
        switch try await daemon.ended() {
        case .signalled(SIGKILL): break
        case .exited(1) where first == .ended && failing.error != "KILL": break
        case let ending: throw Wrong(description: "keyturnd \(ending)")
        }
        try await requireAll()

        try await keyturn.start()
        guard try await outcome(of: keyturn.daemon!) == .open else {
            throw Wrong(description: "the next start is not good\n\(keyturn.log)")
        }
        let rekeyed = try await RawCall.send("POST", "/v1/rekey", body: "{}", to: keyturn.socket)
        guard rekeyed.status == 200 else { throw Site.Refused(reply: rekeyed) }
        guard try await keyturn.terminate() == .exited(0) else { throw Wrong(description: keyturn.log) }
        let last = try await Look(at: keyturn, in: scratch, keyFiles: [keyturn.keyFile, recoveryKey])
        try last.requireKeys(as: expected)
        guard last.slots == expected.slots, last.count(of: "vault.migrated") == 1 else {
            throw Wrong(description: "\(last.slots), migrated \(last.count(of: "vault.migrated")) times")
        }
    }

    private enum Outcome { case open, sealed, ended }

    /// When the start has come to its end, good or bad.
    private func outcome(of daemon: ChildProcess) async throws -> Outcome {
        let end = ContinuousClock.now + .seconds(30)
        while true {
            if daemon.ending != nil { return .ended }
            guard ContinuousClock.now < end else { throw Wrong(description: "neither open nor sealed\n\(keyturn.log)") }
            if let outcome = try? await outcomeSoFar() { return outcome }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    private func outcomeSoFar() async throws -> Outcome? {
        let status = try await RawCall.send("GET", "/v1/status", to: keyturn.socket).document
        if let code = status["sealed_code"].text {
            guard ["store-failed", "disk-full"].contains(code), status["next_step"].text?.isEmpty == false else { return nil }
            return .sealed
        }
        let audit = try await RawCall.send("GET", "/v1/audit?limit=1000", to: keyturn.socket).document["items"].items
        let last = audit.last { ["vault.migrated", "vault.unsealed"].contains($0["event"].text) }
        return last?["event"].text == "vault.unsealed" ? .open : nil
    }

    private func unseal() async throws {
        let reply = try await RawCall.send("POST", "/v1/unseal", body: "{}", to: keyturn.socket)
        guard (200..<300).contains(reply.status), try await outcome(of: keyturn.daemon!) == .open else { throw Site.Refused(reply: reply) }
    }

    /// Whichever format it has now: that of the copy is today's.
    private func requireAll() async throws {
        let look = try await Look(at: keyturn, in: scratch, keyFiles: [keyturn.keyFile, recoveryKey])
        try look.requireKeys(as: expected)
        guard look.slots == expected.slots, look.hasSameRootKey(as: expected), look.count(of: "vault.migrated") == 1 else {
            throw Wrong(description: "\(look.slots), migrated \(look.count(of: "vault.migrated")) times")
        }
    }
}
