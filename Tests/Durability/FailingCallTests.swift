import FlashbackStandIn
import Foundation
import Glibc
import TestProcesses
import Testing
import Vault

@Suite(.timeLimit(.minutes(600))) struct `A call that fails` {
    /// A class of calls, and how one of them fails.
    struct Kind: Sendable, CustomTestStringConvertible {
        let call: Faults.CallClass
        let error: String
        /// About as many of them as a run has.
        let usualCount: Int

        var testDescription: String { "\(call) \(error)" }
    }

    static let kinds = [
        Kind(call: .write, error: "EIO", usualCount: 120), Kind(call: .write, error: "ENOSPC", usualCount: 120),
        Kind(call: .sync, error: "EIO", usualCount: 20), Kind(call: .rename, error: "EIO", usualCount: 4),
        Kind(call: .open, error: "EIO", usualCount: 12), Kind(call: .open, error: "EMFILE", usualCount: 12),
        Kind(call: .malloc, error: "ENOMEM", usualCount: 40_000),
    ]

    struct Wrong: Error, CustomStringConvertible { let description: String }

    @Test(arguments: kinds) func `while a vault is made is told, and the next try makes it`(_ kind: Kind) async throws {
        try await Self.each(kind) { failing, log in
            try await Installation.with { keyturn in
                let made = try await keyturn.keyturn(
                    ["init", "--vault", keyturn.vault], in: Self.surroundings(failing, keyturn, log))
                if made.status != 0 {
                    // A program that has no memory can't say so.
                    guard !made.errors.isEmpty || kind.call == .malloc else {
                        throw Wrong(description: "status \(made.status) without a word")
                    }
                    let again = try await keyturn.keyturn("init", "--vault", keyturn.vault)
                    let isThere = again.errors.contains("vault-exists") || again.errors.contains("already")
                    guard again.status == 0 || isThere else { throw Wrong(description: "\(made.errors)\nthen \(again.errors)") }
                }
                _ = try await VaultReading(folder: keyturn.vault, keyFile: keyturn.keyFile)
            }
        }
    }

    /// SQLite passes over a folder that can't be synced; who makes a vault must not.
    @Test func `on a folder leaves no vault that may be gone after a power cut`() async throws {
        let scratch = try PrivateFolder()
        defer { scratch.remove() }
        let log = CallLog(path: "\(scratch.path)/calls")
        var folders: [Int] = []
        try await Installation.with { keyturn in
            let surroundings = Surroundings {
                $0.faults = Faults(prefix: keyturn.folder.path)
                $0.faults?.log = log.path
            }
            #expect(try await keyturn.keyturn(["init", "--vault", keyturn.vault], in: surroundings).status == 0)
            let syncs = try log.entries().filter { if case .sync = $0 { true } else if case .syncFolder = $0 { true } else { false } }
            folders = syncs.indices.filter { if case .syncFolder = syncs[$0] { true } else { false } }.map { $0 + 1 }
        }
        // The key file's, and the one that the vault appeared in.
        for number in [try #require(folders.first), try #require(folders.last)] {
            try await Installation.with { keyturn in
                let failing = Faults.Failing(.sync, number, "EIO")
                let told = try await keyturn.keyturn(["init", "--vault", keyturn.vault], in: Self.surroundings(failing, keyturn, log))
                #expect(told.status == 1 && told.errors.contains("Input/output error"), "sync \(number): \(told.errors)")
                #expect(!FileManager.default.fileExists(atPath: keyturn.vault))
                #expect(try await keyturn.keyturn("init", "--vault", keyturn.vault).status == 0)
            }
        }
    }

    @Test(arguments: kinds) func `while the daemon works is told, and the next start is good`(_ kind: Kind) async throws {
        try await Self.each(kind) { failing, log in
            try await Site.with { site in
                try await site.keyturn.initialise()
                var flow = Flow(site: site)
                let daemon = try site.keyturn.launch(in: Self.surroundings(failing, site.keyturn, log))
                try await flow.run(daemon, mayDieSilently: kind.call == .malloc)
                daemon.send(SIGKILL)
                switch try await daemon.ended() {
                case .signalled(SIGKILL): break
                case .exited(let status) where status != 0: break
                case .signalled where kind.call == .malloc: break
                case let ending: throw Wrong(description: "keyturnd \(ending)")
                }
                try await site.keyturn.start()
                try await flow.finish()
            }
        }
    }

    /// Before each of these the process can die as well.
    static let durable = ["EIO", "KILL"].flatMap { error in
        [
            Kind(call: .write, error: error, usualCount: 30), Kind(call: .sync, error: error, usualCount: 8),
            Kind(call: .rename, error: error, usualCount: 1),
        ]
    }

    @Test(arguments: durable) func `while a backup is written is told, and leaves a whole one or none`(_ kind: Kind) async throws {
        try await Site.with { site in
            try await site.keyturn.initialise()
            try await site.keyturn.start()
            try await Self.each(kind) { failing, log in
                let file = "\(site.keyturn.folder.path)/\(failing.number).backup"
                let written = try await site.keyturn.keyturn(["backup", file], in: Self.surroundings(failing, site.keyturn, log))
                try Self.requireWord(of: written, kind)
                let isThere = FileManager.default.fileExists(atPath: file)
                guard written.status != 0 || isThere else { throw Wrong(description: "success without a backup") }
                guard isThere else { return }
                let verified = try await site.keyturn.keyturn("backup", "verify", file, "--key-file", site.keyturn.keyFile)
                guard verified.status == 0 else { throw Wrong(description: verified.errors) }
            }
        }
    }

    @Test(arguments: durable) func `while a backup is restored is told, and leaves the whole vault or none`(_ kind: Kind) async throws {
        let scratch = try PrivateFolder()
        defer { scratch.remove() }
        let (file, keyFile) = ("\(scratch.path)/the.backup", "\(scratch.path)/vault.key")
        try await Installation.with { source in
            try await source.initialise()
            try await source.start()
            guard try await source.keyturn("backup", file).status == 0 else { throw Wrong(description: "no backup") }
            try FileManager.default.copyItem(atPath: source.keyFile, toPath: keyFile)
        }
        try await Self.each(kind) { failing, log in
            try await Installation.with { keyturn in
                let restore = ["restore", file, "--vault", keyturn.vault, "--key-file", keyFile]
                let first = try await keyturn.keyturn(restore, in: Self.surroundings(failing, keyturn, log))
                try Self.requireWord(of: first, kind)
                if first.status != 0 {
                    let again = try await keyturn.keyturn(restore)
                    guard again.status == 0 || again.errors.contains("nothing was overwritten") else {
                        throw Wrong(description: "\(first.errors)\nthen \(again.errors)")
                    }
                }
                let audit = try await VaultReading(folder: keyturn.vault, keyFile: keyFile).audit
                guard audit.last?.event.event == "vault.restored" else { throw Wrong(description: "it is not what was restored") }
            }
        }
    }

    private static func requireWord(of run: CommandRun, _ kind: Kind) throws {
        if kind.error == "KILL" {
            guard run.status == 0 || run.status == -SIGKILL else { throw Wrong(description: "status \(run.status)") }
        } else {
            guard run.status == 0 || !run.errors.isEmpty else { throw Wrong(description: "status \(run.status) without a word") }
        }
    }

    /// Lets one call after the other fail: all of them to the last, or some.
    static func each(_ kind: Kind, _ body: (Faults.Failing, CallLog) async throws -> Void) async throws {
        print("KEYTURN_SEED=\(Effort.seed)")
        var draws = Draws(seed: Effort.seed)
        let scratch = try PrivateFolder()
        defer { scratch.remove() }
        var number = 0
        for index in 1... {
            if Effort.failuresPerClass == 0 {
                // All allocations would take days: ever fewer of them.
                number += kind.call == .malloc ? 1 + number / 40 : 1
            } else {
                guard index <= Effort.failuresPerClass else { return }
                number = Int.random(in: 1...kind.usualCount, using: &draws)
            }
            let log = CallLog(path: "\(scratch.path)/calls-\(number)")
            let failing = Faults.Failing(kind.call, number, kind.error)
            do { try await body(failing, log) } catch { throw Wrong(description: "\(failing): \(error)") }
            let hasFailed = try log.entries().contains { if case .fault = $0 { true } else { false } }
            unlink(log.path)
            guard hasFailed || Effort.failuresPerClass > 0 else {
                print("\(failing): the first that no longer comes")
                return
            }
        }
    }

    static func surroundings(_ failing: Faults.Failing, _ keyturn: Installation, _ log: CallLog) -> Surroundings {
        Surroundings {
            var faults = Faults(prefix: keyturn.folder.path)
            faults.fails = [failing]
            faults.log = log.path
            $0.faults = faults
        }
    }
}

/// What a user does with a new vault, up to a rotation. Anything may be refused, but then for a reason.
private struct Flow {
    let site: Site
    private var done: Set<String> = []
    private var ledger = Ledger()

    private static let newKey = "key-2-Hn6yBd3k"

    init(site: Site) {
        self.site = site
    }

    /// With a call failing somewhere: told why, the user tries again, and one failure is no trouble for long.
    mutating func run(_ daemon: ChildProcess, mayDieSilently: Bool) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while !RawCall.isServed(site.keyturn.socket) {
            if daemon.ending != nil { return mayDieSilently ? () : try expectReason() }
            guard ContinuousClock.now < end else { throw A.Wrong(description: "neither served nor ended") }
            try await Task.sleep(for: .milliseconds(2))
        }
        for step in steps {
            while !done.contains(step) {
                do { try await perform(step) } catch let refused as Site.Refused {
                    try await forgive(refused, step)
                    guard ContinuousClock.now < end else { throw refused }
                    try await Task.sleep(for: .milliseconds(50))
                } catch {
                    // Cut off: then the daemon is gone, and says why if it can.
                    while daemon.ending == nil {
                        guard ContinuousClock.now < end else { throw A.Wrong(description: "cut off by a daemon that lives: \(error)") }
                        try await Task.sleep(for: .milliseconds(2))
                    }
                    return mayDieSilently ? () : try expectReason()
                }
            }
        }
    }

    private typealias A = `A call that fails`

    private let steps = ["upstream", "config", "adopt", "stage", "rotate"]

    private mutating func perform(_ step: String) async throws {
        guard !done.contains(step) else { return }
        switch step {
        case "upstream": try await site.addUpstream()
        case "config": try await site.addConfig()
        case "adopt": try await site.stage(Site.firstKey, asCurrent: true)
        case "stage": try await site.stage(Self.newKey)
        default: try await site.granted("POST", Site.rotate, [:])
        }
        done.insert(step)
    }

    /// A refusal must say why and what to do; or else it is because a call was done whose answer did not say so.
    private mutating func forgive(_ refused: Site.Refused, _ step: String) async throws {
        let problem = try refused.reply.document
        switch problem.code {
        // A box that was sealed to the key on offer while the vault was sealed, which opened by itself meanwhile, is the wrong one.
        case "store-failed", "disk-full", "sealed", "wrong-box":
            guard problem["detail"].text?.isEmpty == false, problem["next_step"].text?.isEmpty == false else { throw refused }
        case "duplicate-key", "nothing-staged": done.insert(step)
        default: throw refused
        }
    }

    private func expectReason() throws {
        // Before there is a log, the reason alone.
        guard ["error", "critical", "can't"].contains(where: site.keyturn.log.contains) else {
            throw A.Wrong(description: "keyturnd ended without a word: \(site.keyturn.log)")
        }
    }

    /// Without any fault: what was granted is there, and the rest can be done.
    mutating func finish() async throws {
        let granted = done
        for step in steps where !done.contains(step) {
            do { try await perform(step) } catch let refused as Site.Refused {
                try await forgive(refused, step)
                guard done.contains(step) else { throw refused }
            }
        }
        try await untilEnded()
        try await site.keyturn.kill()
        let reading = try await VaultReading(folder: site.keyturn.vault, keyFile: site.keyturn.keyFile)
        let held = site.standIn.held(Site.remoteID)?.key ?? ""
        try ledger.check(reading, with: site.standIn)
        guard held == Self.newKey, let current = reading.current, reading.keys[current] == held else {
            throw A.Wrong(description: "granted \(granted), but \(held) is held and \(reading.current ?? 0) is current")
        }
    }

    private func untilEnded() async throws {
        let end = ContinuousClock.now + .seconds(30)
        while true {
            let latest = try await site.granted("GET", "/v1/rotations?config=\(Site.config)&limit=1")["items"].items.first
            if latest?["state"].text == "succeeded" { return }
            guard ContinuousClock.now < end else { throw A.Wrong(description: "the rotation does not end: \(String(describing: latest))") }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
