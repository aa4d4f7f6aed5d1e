import Access
import Model
import Operations
import Rotations
import Secrets
import TestSupport
import Vault

/// One life of the daemon: the real machine, runner, operations and vault over the simulated ports, assembled as keyturnd does it.
final class Daemon {
    let service: VaultService
    let runner: RotationRunner
    let vault: VaultStore
    private let running: Task<Void, Never>

    init(in world: World) {
        guard let ports = world.ports else { preconditionFailure("a daemon without ports") }
        let events = EventHub(listeners: [Silence()])
        let vault = VaultStore(audience: events, mirror: ports.mirror(world.mirror), kindNames: RecordNames.all, on: world.scheduler.lane)
        let bearers = UpstreamBearers(vault: vault, targets: ports.targets, clock: world.time, executor: world.scheduler)
        let limits = InForce(ports.operationLimits)
        let stragglers = StragglerWatch(clock: world.time, limits: limits)
        let journal = ports.journal(VaultJournal(vault: vault, clock: world.time, limits: limits, stragglers: stragglers), vault)
        let runner = RotationRunner(
            journal: journal, bearers: bearers, targets: ports.targets, clock: world.time, random: world.random, observer: events,
            limits: InForce(ports.rotationLimits))
        self.runner = runner
        self.vault = vault
        service = VaultService(
            vault: vault, runner: runner, targets: ports.targets, bearers: bearers, clock: world.time, random: world.random,
            limits: limits, stragglers: stragglers, source: DiskSource(of: world))
        running = Task(executorPreference: world.scheduler) { await runner.run() }
    }

    /// As kill -9 does it: what unwinds now has no effect any more.
    func kill(on scheduler: Scheduler) {
        running.cancel()
        let runner = runner
        Task(executorPreference: scheduler) { await runner.halt() }
    }

    /// Finds the vault on the simulated disk.
    private final class DiskSource: VaultSource, @unchecked Sendable {
        // SAFETY: used from the scheduler's thread alone.
        private unowned let world: World

        init(of world: World) { self.world = world }

        var machine: String? { world.ports.machine(world.machine) }

        func open(at time: Timestamp, random: any RandomSource) throws(VaultError) -> OpenVault {
            try OpenVault.open(try engine(), unlockKey: World.unlockKey, at: time, random: random)
        }

        func open(rootKey: borrowing Secret, random: any RandomSource) throws(VaultError) -> OpenVault {
            try OpenVault.open(try engine(), rootKey: rootKey.clone(), random: random)
        }

        func slots() throws(VaultError) -> [Slot] { try OpenVault.slots(in: try engine()) }

        private func engine() throws(VaultError) -> any Engine {
            world.ports.engine(FaultyEngine(try world.openDisk(), in: world))
        }
    }
}

private struct Silence: EventListener {
    func recorded(_ entry: AuditEntry) {}
    func notRecorded(_ changes: Int) {}
    func roomChanged(to room: VaultStore.Room) {}
    func rotation(_ rotation: Rotation, step: String) {}
    func rotation(_ rotation: Rotation, cannotGoOn error: any Error) {}
}
