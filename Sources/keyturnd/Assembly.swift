import KeyturnWire
import Access
import Flashback
import Glibc
import Logging
import Operations
import Outbound
import Rotations
import Secrets
import SocketAPI
import Vault

/// All parts, put together in one place.
struct Assembly {
    let service: VaultService
    let runner: RotationRunner
    let events: EventHub
    let routes: Routes

    static func make(_ place: VaultPlace, rotation: RotationLimits, operations: OperationLimits, outbound: Outbound.Limits, logger: Logger) -> Assembly {
        let clock = SystemClock()
        let random = SystemRandom()
        let events = EventHub(listener: EventLog(logger: logger))
        let vault = VaultStore(audience: events)
        let targets = FlashbackBackend(limits: outbound, now: clock.now)
        let bearers = UpstreamBearers(vault: vault, targets: targets, clock: clock)
        let runner = RotationRunner(
            journal: VaultJournal(vault: vault, clock: clock, limits: operations), bearers: bearers, targets: targets, clock: clock,
            random: random, observer: events, limits: rotation)
        // SAFETY: geteuid(2) always succeeds.
        let policy = Policy.ownerOnly(daemonUID: geteuid())
        let service = VaultService(
            vault: vault, runner: runner, targets: targets, bearers: bearers, clock: clock, random: random, policy: policy, limits: operations
        ) { () throws(VaultError) in try place.open(random: random) }
        let routes = Routes(service: service, events: events, clock: clock, version: Release.version)
        return Assembly(service: service, runner: runner, events: events, routes: routes)
    }
}
