import FlashbackStandIn
import Foundation
import Glibc
import TestProcesses

/// Kills a daemon again and again while a backend that can't be trusted is being given one key after the other.
struct Torture {
    private let site: Site
    private let disk: SmallDisk?
    private let scratch: PrivateFolder
    private let clock: DaemonClock
    /// When it was set to another time.
    private var clockChanges: [ContinuousClock.Instant] = []
    private var draws: Draws
    private var ledger = Ledger()
    private var keysMade = 1
    private var isAway = false
    /// Settings with which a daemon soon gives up.
    private let hasty: String

    struct Failed: Error, CustomStringConvertible { let description: String }

    /// A whole run of its own: so many kills of one vault, and then peace. `onSmallDisk`: one that fills up.
    static func run(kills: Int, seed: UInt64, onSmallDisk: Bool) async throws {
        try await Site.with(vault: "disk/vault") { site in
            let scratch = try PrivateFolder(in: "/dev/shm")
            defer { scratch.remove() }
            let folder = "\(site.keyturn.folder.path)/disk"
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            let disk = onSmallDisk ? try await SmallDisk(over: folder, mebibytes: 16, in: scratch) : nil
            do {
                var torture = try Torture(site: site, disk: disk, scratch: scratch, seed: seed)
                try await torture.prepare()
                for kill in 1...kills {
                    do {
                        try await torture.round()
                        if kill % 10 == 0 || kill == kills { try await torture.settle() }
                    } catch {
                        throw Failed(description: "seed \(seed), kill \(kill): \(error)\n\(site.keyturn.log.suffix(3000))")
                    }
                }
            } catch {
                try? await site.keyturn.kill()
                try? await disk?.remove()
                throw error
            }
            try await site.keyturn.kill()
            try await disk?.remove()
        }
    }

    private init(site: Site, disk: SmallDisk?, scratch: PrivateFolder, seed: UInt64) throws {
        self.site = site
        self.disk = disk
        self.scratch = scratch
        draws = Draws(seed: seed)
        clock = try DaemonClock(in: scratch.path)
        hasty = try scratch.file("hasty.yaml", Array(Site.hastySettings.utf8))
    }

    private func surroundings(_ change: (inout Surroundings) -> Void = { _ in }) -> Surroundings {
        Surroundings {
            $0.mountsOf = disk?.process
            var faults = Faults(prefix: site.keyturn.folder.path)
            faults.clock = clock.path
            $0.faults = faults
            change(&$0)
        }
    }

    private mutating func prepare() async throws {
        let made = try await site.keyturn.keyturn(["init", "--vault", site.keyturn.vault], in: surroundings())
        guard made.status == 0 else { throw Failed(description: made.errors) }
        try await site.keyturn.start(in: surroundings())
        // So long that most jumps of the clock leave a key to roll back to.
        try await site.setUp(graceSeconds: 30 * 86_400)
        if Bool.random(using: &draws) { try await site.giveToken(isRefresh: true) }
        ledger.grant(Site.firstKey, as: 1)
        try await killInPeace()
    }

    /// Without a fault, a daemon dies by what it is sent alone.
    private func killInPeace() async throws {
        try await site.keyturn.kill()
        try requireEnding(site.keyturn.daemon?.ending, by: SIGKILL, mayGiveUp: false)
    }

    // MARK: A round

    private mutating func round() async throws {
        let failing = Mischief.ofCalls(&draws)
        setClock(Mischief.ofClock(&draws))
        if let disk, Bool.random(using: &draws) { try disk.fill(leaving: Int.random(in: 0...200_000, using: &draws)) }
        for _ in 0..<Int.random(in: 0...3, using: &draws) {
            site.standIn.order(Mischief.ofBackend(&draws), for: Bool.random(using: &draws) ? .put : .validate)
        }
        if let fault = Mischief.ofRefresh(&draws) { site.standIn.order(fault, for: .refresh) }
        let expiries = Mischief.ofTokens(&draws)
        let isShortOfFiles = Int.random(in: 0..<8, using: &draws) == 0
        let key = newKey()
        let wantsKey = Int.random(in: 0..<3, using: &draws) > 0
        let changes = Mischief.ofLine(&draws, isAway: isAway)
        let deeds = Mischief.ofOperators(&draws, isAway: isAway || !changes.isEmpty)
        // Nothing new in the way of what can be done only where nothing is under way.
        let isQuiet = deeds.contains { $0.kind.wantsRest } && Int.random(in: 0..<4, using: &draws) > 0
        let isHasty = Int.random(in: 0..<4, using: &draws) == 0
        let calls = CallLog(path: "\(scratch.path)/calls")
        unlink(calls.path)
        let daemon = try site.keyturn.launch(
            isHasty ? ["--config", hasty] : [],
            in: surroundings {
                $0.faults?.fails = failing
                if !failing.isEmpty { $0.faults?.log = calls.path }
                if isShortOfFiles { $0.openFilesMax = 40 }
            })
        try await waitUntilServed(daemon)
        // Else it is killed on its way there, where there is nothing to be done yet.
        if Int.random(in: 0..<4, using: &draws) > 0 { try await waitUntilUnsealed(daemon) }
        let idle = isShortOfFiles ? (0..<40).compactMap { _ in try? RawCall.connected(to: site.keyturn.socket) } : []
        let work = Task { [site] in
            // Whether any of it is granted is open: the daemon may die at any point of it.
            guard !isQuiet else { return nil as Int? }
            let number = wantsKey ? try? await site.stage(key) : nil
            _ = try? await site.call("POST", Site.rotate, [:])
            return number
        }
        let line = Task { [self] in try await change(after: changes) }
        let expiring = Task { [site] in
            for delay in expiries {
                try await Task.sleep(for: delay)
                site.standIn.expireBearers()
            }
        }
        let stepping = Task { [site, clock] in
            var operators = Operators(at: site, clock)
            await operators.perform(deeds)
            return operators.memory
        }
        // Then it is killed as soon as they were answered; one that is short of files may never answer.
        let isAfterDeeds = Bool.random(using: &draws) && !deeds.isEmpty && !isShortOfFiles
        if isAfterDeeds { _ = await stepping.value } else { try await waitForTheMoment() }
        let signal = try await end(daemon)
        for descriptor in idle { close(descriptor) }
        if let number = await work.value { ledger.grant(key, as: number) }
        ledger.learn(await stepping.value)
        isAway = try await line.value
        try await expiring.value
        let hasFailed = try calls.entries().contains { if case .fault = $0 { true } else { false } }
        try requireEnding(daemon.ending, by: signal, mayGiveUp: hasFailed)
        disk?.makeRoom()
        try await check()
    }

    /// Returns whether the backend is away at the end.
    private func change(after delays: [Duration]) async throws -> Bool {
        var isAway = isAway
        for delay in delays {
            try await Task.sleep(for: delay)
            if isAway { try await site.standIn.reopen() } else { await site.standIn.closeListener() }
            isAway.toggle()
        }
        return isAway
    }

    private mutating func newKey() -> String {
        keysMade += 1
        let isBad = Int.random(in: 0..<7, using: &draws) == 0
        return "\(isBad ? "bad" : "key")-\(keysMade)-\(String(draws.next(), radix: 36))"
    }

    private mutating func setClock(_ seconds: Int) {
        let now = ContinuousClock.now
        if clock.set(seconds) { clockChanges.append(now) }
    }

    /// Or has ended: a fault may keep it from starting.
    private func waitUntilServed(_ daemon: ChildProcess) async throws {
        let end = ContinuousClock.now + .seconds(30)
        while daemon.ending == nil, !RawCall.isServed(site.keyturn.socket) {
            guard ContinuousClock.now < end else { throw Failed(description: "the daemon neither serves nor ends") }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// Or has ended, or is kept from it by a fault.
    private func waitUntilUnsealed(_ daemon: ChildProcess) async throws {
        let end = ContinuousClock.now + .seconds(2)
        while daemon.ending == nil, ContinuousClock.now < end {
            if let status = try? await site.granted("GET", "/v1/status"), status["sealed"].bool == false { return }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// After some more requests at the backend, or after a while.
    private mutating func waitForTheMoment() async throws {
        let requests = site.standIn.count(of: .any) + Int.random(in: 1...4, using: &draws)
        let end = ContinuousClock.now + .milliseconds(Int.random(in: 0...300, using: &draws))
        while site.standIn.count(of: .any) < requests, ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(1)) }
        try await Task.sleep(for: .microseconds(Int.random(in: 0...4000, using: &draws)))
    }

    /// Returns what it was sent last.
    private mutating func end(_ daemon: ChildProcess) async throws -> Int32 {
        var last = SIGKILL
        switch Int.random(in: 0..<10, using: &draws) {
        case 0:
            daemon.send(SIGSTOP)
            try await Task.sleep(for: .milliseconds(Int.random(in: 1...100, using: &draws)))
            setClock(Mischief.ofClock(&draws))
            daemon.send(SIGCONT)
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...50, using: &draws)))
            daemon.send(SIGKILL)
        case 1:
            setClock(Mischief.ofClock(&draws))
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...50, using: &draws)))
            daemon.send(SIGKILL)
        case 2:
            last = SIGTERM
            daemon.send(SIGTERM)
        default: daemon.send(SIGKILL)
        }
        _ = try await daemon.ended(within: .seconds(40))
        return last
    }

    /// Any other ending is a crash, or a daemon that gave up without need. `mayGiveUp`: one of its calls was let fail.
    private func requireEnding(_ ending: ChildProcess.Ending?, by signal: Int32, mayGiveUp: Bool) throws {
        switch (ending, signal) {
        case (.signalled(SIGKILL), SIGKILL), (.exited(0), SIGTERM): break
        // The statuses of a daemon that says why it can't go on.
        case (.exited(1), _) where mayGiveUp, (.exited(78), _) where mayGiveUp: break
        default: throw Failed(description: "keyturnd \(ending.map { "\($0)" } ?? "runs"), and was sent signal \(signal)")
        }
    }

    // MARK: Looking

    /// Reads a copy: the vault itself is recovered by the next daemon.
    private func reading() async throws -> VaultReading {
        let copy = "\(scratch.path)/copy"
        try? FileManager.default.removeItem(atPath: copy)
        try FileManager.default.copyItem(atPath: disk?.root ?? "\(site.keyturn.folder.path)/disk", toPath: copy)
        return try await VaultReading(folder: "\(copy)/vault", keyFile: "\(copy)/vault.key")
    }

    @discardableResult
    private mutating func check() async throws -> VaultReading {
        let reading = try await reading()
        try ledger.check(reading, with: site.standIn, clockChanges: clockChanges)
        return reading
    }

    // MARK: Peace

    /// Nothing goes wrong any more: all that was begun ends, what is staged is rotated, and then the last key is in place.
    private mutating func settle() async throws {
        site.standIn.clearOrders()
        site.standIn.release()
        setClock(0)
        disk?.makeRoom()
        if isAway { isAway = try await change(after: [.zero]) }
        try await site.keyturn.start(in: surroundings())
        try await endThePause()
        try await until("the stragglers have landed") { site.standIn.stragglers == 0 }
        try await endWhatIsUnfinished()
        let key = "key-last-\(keysMade)"
        ledger.grant(key, as: try await site.stage(key))
        while try await !versions(in: "staged").isEmpty {
            let reply = try await site.call("POST", Site.rotate, [:])
            // A bad key is rejected, which is as it should be, and stuck where the one before it is bad as well.
            let type = try reply.document["type"].text
            let isStuck = type == "urn:keyturn:problem:stuck"
            let lacksToken = type == "urn:keyturn:problem:upstream-auth"
            guard reply.status == 200 || reply.status == 422 || isStuck || lacksToken else { throw Site.Refused(reply: reply) }
            if isStuck || lacksToken { try await endWhatIsUnfinished() }
        }
        guard site.standIn.held(Site.remoteID)?.key == key else {
            throw Failed(description: "the backend holds \(site.standIn.held(Site.remoteID)?.key ?? "nothing"), not \(key)")
        }
        try await killInPeace()
        let reading = try await check()
        guard let current = reading.current, reading.keys[current] == key else {
            throw Failed(description: "the last key is not current")
        }
    }

    /// By an operator's word, or by itself.
    private mutating func endThePause() async throws {
        let isResumed = Bool.random(using: &draws)
        var operators = Operators(at: site, clock)
        await operators.perform([Operators.Deed(delay: .zero, kind: isResumed ? .resume : .pauseFor(.milliseconds(50)))])
        ledger.learn(operators.memory)
        if !isResumed { try await Task.sleep(for: .milliseconds(1200)) }
    }

    private func endWhatIsUnfinished() async throws {
        var tried: Set<String> = []
        try await until("all rotations have ended") {
            // After a jump of the clock the one that was begun last is not the first in order of time.
            let rotations = try await site.granted("GET", "/v1/rotations?config=\(Site.config)&limit=100")["items"].items
            let open = rotations.first { ["running", "waiting", "stuck"].contains($0["state"].text ?? "") }
            guard let open, let id = open["id"].text else { return true }
            // The token that `status` asks for.
            if open["next_step"].text?.hasPrefix("keyturn upstream set") == true { try await site.giveToken(isRefresh: false) }
            // What an operator does who finds one stuck, and then stuck again: both of its keys may be bad ones.
            if open["state"].text == "stuck" {
                let how = tried.insert(id).inserted ? "retry" : "applied"
                _ = try await site.call("POST", "/v1/rotations/\(id)/resolve", ["how": how])
            }
            return false
        }
    }

    private func versions(in state: String) async throws -> [Document] {
        try await site.granted("GET", "/v1/configs/\(Site.config)")["versions"].items.filter { $0["state"].text == state }
    }

    private func until(_ what: String, _ isSo: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while try await !isSo() {
            guard ContinuousClock.now < end else { throw Failed(description: "waited in vain: \(what)") }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
