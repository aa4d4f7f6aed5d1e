import FoundationEssentials
import Model
import Operations
import Rotations
import Secrets
import TestSupport
import Vault

/// One run's everything: time, disk, backends, the daemon in its present life, its callers, and the oracle that looks on.
final class World: @unchecked Sendable {
    // SAFETY: one thread runs everything.
    let time = VirtualTime()
    let backend = Backend()
    let random: SeededRandom
    let scheduler: Scheduler
    let disk: any Disk
    private(set) var mirror: SimulatedMirror!
    private(set) var ports: Ports!
    private(set) var oracle: Oracle!
    var diskFaults = DiskFaults()
    var crashes = CrashPlan()
    /// The daemon is dead, and what is left of it unwinds.
    private(set) var isCrashed = false
    private(set) var daemon: Daemon!
    private(set) var callers: Callers!
    private(set) var log: Trace
    private var chance: Chance
    private(set) var lives = 0
    /// A commit in the middle of which the power went.
    private var inDoubt: Doubt?
    let backup = KeptBackup()
    var olderCopy: OlderCopy?
    /// What becomes of the disk before a vault is opened from it again.
    var changeDisk: (() -> Void)?
    /// A copy was put back, or the counter was lost: a refusal to open the vault is in order since.
    var mayBeRefused = false
    private(set) var machine = World.machines[0]
    /// Where something was last committed.
    var machineWrittenDown = World.machines[0]
    var clockAhead = Duration.zero
    /// The last jump of the wall clock: when, and where it stood before.
    var jump: (uptime: Duration, from: Timestamp)?

    static let machines = ["machine-1", "machine-2", "machine-3"]

    static var unlockKey: Secret { Secret(count: 32) { $0.copyBytes(from: repeatElement(7, count: 32)) } }

    /// A run that takes more steps than this goes on for ever.
    private static let jobsMax = 2_000_000

    init(seed: UInt64, disk: any Disk, variant: BrokenVariant? = nil, trace: Trace) throws(VaultError) {
        random = SeededRandom(seed: seed)
        scheduler = Scheduler(seed: seed)
        chance = Chance(seed: seed &+ 1)
        log = trace
        self.disk = disk
        mirror = SimulatedMirror(in: self)
        ports = Ports(in: self)
        variant?.breakPorts(&ports, self)
        let engine = try disk.open()
        try OpenVault.create(in: engine, unlockKey: Self.unlockKey, recovery: nil, owner: machine, at: time.now(), random: random)
        oracle = try Oracle(of: self, reading: engine)
        callers = Callers(in: self)
        start()
    }

    func trace(_ line: @autoclosure () -> String) {
        log.add("\(time.uptime().wholeMilliseconds) \(line())")
    }

    // MARK: Running

    /// One job, and the restart that it may have made necessary. False when nothing is left to run at this instant.
    @discardableResult
    func step() -> Bool {
        let ran = scheduler.runOne()
        if isCrashed { restart() }
        if scheduler.jobsRun > Self.jobsMax { oracle.broken(.alive, "it runs for ever") }
        return ran && oracle.violation == nil
    }

    /// Runs what there is to run while so much time passes.
    func run(for duration: Duration) {
        let limit = time.uptime() + duration
        repeat { while step() {} } while oracle.violation == nil && time.advance(until: limit)
    }

    // MARK: Lives

    /// Whether the daemon goes on past this point; false as well when it is dead already.
    func survives(_ point: CrashPoint) -> Bool {
        guard !isCrashed else { return false }
        guard crashes.reached() else { return true }
        trace("killed \(point.rawValue)")
        isCrashed = true
        return false
    }

    func kill() {
        trace("killed")
        isCrashed = true
        restart()
    }

    enum Doubt {
        case commit([EngineChange])
        /// All that was there.
        case rewrite(before: [EngineRecord])

        var name: String {
            switch self {
            case .commit: "a commit"
            case .rewrite: "a rewrite of all"
            }
        }
    }

    func tear(_ doubt: Doubt, of engine: any Engine, _ write: (any Engine) throws -> Void) {
        trace("the power goes during \(doubt.name)")
        inDoubt = doubt
        disk.tear(engine, at: Double(chance.below(100)) / 100, write)
        isCrashed = true
    }

    /// The disk that a vault is opened from: another one, where it was changed while the daemon lived on with a sealed vault.
    func openDisk() throws(VaultError) -> any Engine {
        changeDisk?()
        changeDisk = nil
        let engine = try disk.open()
        let doubt = inDoubt
        inDoubt = nil
        switch doubt {
        case .commit(let changes): oracle.found(changes, in: engine)
        case .rewrite(let before): oracle.found(rewriteOf: before, in: engine)
        case nil: break
        }
        return engine
    }

    private func restart() {
        unwind()
        start()
    }

    /// The daemon is stopped, and goes on with whatever it finds after `change`.
    func betweenLives(_ change: () -> Void) {
        isCrashed = true
        unwind()
        change()
        start()
    }

    /// Another disk, as `fill` makes it, in place of this one. What the backends hold, it may never have known.
    func replaceDisk(_ fill: (any Engine) throws -> Void) {
        inDoubt = nil
        do {
            oracle.replaced(by: try disk.replace(fill))
        } catch {
            oracle.broken(.neverLost, "the disk can't be replaced: \(error)")
        }
        for id in backend.remotes.keys {
            backend.disown(id, but: Set(oracle.image.keys[Scene.config(at: id), default: [:]].values))
        }
    }

    func move(to machine: String) { self.machine = machine }

    /// The end of the run: what still sleeps or waits would keep the daemon and its keys.
    func end() {
        isCrashed = true
        unwind()
        disk.discard()
    }

    /// What is left of a dead daemon goes.
    private func unwind() {
        time.isSleepless = true
        callers.cut()
        daemon.kill(on: scheduler)
        repeat { while scheduler.runOne() {} } while time.wakeAll()
        time.isSleepless = false
        for id in backend.remotes.keys { backend.remotes[id]?.underWay = 0 }
        isCrashed = false
    }

    private func start() {
        lives += 1
        oracle.forgetVerdicts(of: Scene.configs)
        let daemon = Daemon(in: self)
        self.daemon = daemon
        let opened = Flag()
        Task(executorPreference: scheduler) {
            // Sealed where that fails: an operator unseals it later.
            try? await daemon.service.open(by: nil)
            await self.ports.opened(daemon.service, daemon.vault)
            opened.isSet = true
        }
        // As READY=1: most callers come once it is open, some as soon as it can be read.
        while !opened.isSet, !isCrashed, scheduler.runOne() {
            guard lives > 1, chance.happens(percent: 2) else { continue }
            callers.begin(
                chance.happens(percent: 20) ? .unseal : .rotate(RotationRequest(.rotate), chance.pick(Scene.configs), waits: true))
        }
        if isCrashed { restart() }
    }

    private final class Flag: @unchecked Sendable {
        // SAFETY: used from the scheduler's thread alone.
        var isSet = false
    }
}
