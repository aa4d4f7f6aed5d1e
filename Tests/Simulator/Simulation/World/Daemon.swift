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
    private let running: Task<Void, Never>

    init(in world: World) {
        guard let ports = world.ports else { preconditionFailure("a daemon without ports") }
        let events = EventHub(listener: Silence())
        let vault = VaultStore(audience: events, on: world.scheduler.lane)
        let bearers = UpstreamBearers(vault: vault, targets: ports.targets, clock: world.time, executor: world.scheduler)
        let journal = ports.journal(VaultJournal(vault: vault, clock: world.time, limits: ports.operationLimits), vault)
        let runner = RotationRunner(
            journal: journal, bearers: bearers, targets: ports.targets, clock: world.time, random: world.random, observer: events,
            limits: ports.rotationLimits)
        self.runner = runner
        let opening = Opening(world: world)
        service = VaultService(
            vault: vault, runner: runner, targets: ports.targets, bearers: bearers, clock: world.time, random: world.random,
            policy: .ownerOnly(daemonUID: 0), limits: ports.operationLimits
        ) { () throws(VaultError) in try opening.open() }
        running = Task(executorPreference: world.scheduler) { await runner.run() }
    }

    /// As kill -9 does it: what unwinds now has no effect any more.
    func kill(on scheduler: Scheduler) {
        running.cancel()
        let runner = runner
        Task(executorPreference: scheduler) { await runner.halt() }
    }

    /// Finds the vault on the simulated disk.
    private final class Opening: @unchecked Sendable {
        // SAFETY: used from the scheduler's thread alone.
        private unowned let world: World

        init(world: World) { self.world = world }

        func open() throws(VaultError) -> OpenVault {
            let engine = world.ports.engine(FaultyEngine(try world.openDisk(), in: world))
            return try OpenVault.open(engine, unlockKey: World.unlockKey, random: world.random)
        }
    }
}

private struct Silence: EventListener {
    func recorded(_ entry: AuditEntry) {}
    func roomChanged(to room: VaultStore.Room) {}
    func rotation(_ rotation: Rotation, step: String) {}
    func rotation(_ rotation: Rotation, cannotGoOn error: any Error) {}
}
