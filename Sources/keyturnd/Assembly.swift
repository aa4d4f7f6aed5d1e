import Access
import Flashback
import Foundation
import Host
import KeyturnWire
import Logging
import Model
import Operations
import Outbound
import Rotations
import SQLiteEngine
import Secrets
import Settings
import SocketAPI
import Vault

/// All parts, put together in one place.
struct Assembly {
    let service: VaultService
    let runner: RotationRunner
    let events: EventHub
    let routes: Routes
    let open: OpenPages
    let tally: Tally
    let requests: RequestTally
    private let vault: VaultStore

    static func make(_ settings: DaemonSettings, _ reloading: Reloading, logger: Logger) -> Assembly {
        let limits = reloading.limits
        let clock = SystemClock()
        let random = SystemRandom()
        let (tally, requests) = (Tally(clock: clock), RequestTally())
        let events = EventHub(listeners: [EventLog(logger: logger), tally])
        let folder = VaultFolder(path: settings.vault)
        let counterFile = settings.counterFile ?? folder.defaultCounterFile
        let mirror = CounterFile(path: counterFile)
        let vault = VaultStore(audience: events, mirror: mirror, kindNames: RecordNames.all)
        let targets = FlashbackBackend(limits: limits.outbound, now: clock.now) { report in
            tally.requested(report.upstream, report.method, outcome: report.outcome.rawValue, took: report.time)
        }
        let bearers = UpstreamBearers(vault: vault, targets: targets, clock: clock)
        let stragglers = StragglerWatch(clock: clock, limits: limits.operations)
        let runner = RotationRunner(
            journal: VaultJournal(vault: vault, clock: clock, limits: limits.operations, stragglers: stragglers), bearers: bearers,
            targets: targets, clock: clock,
            random: random, observer: events, limits: limits.rotations)
        let service = VaultService(
            vault: vault, runner: runner, targets: targets, bearers: bearers, clock: clock, random: random,
            limits: limits.operations, stragglers: stragglers,
            source: VaultPlace(folder: folder, keyFile: settings.keyFile, counterFile: counterFile))
        let open = OpenPages(
            service: service, tally: tally, requests: requests, clock: clock, version: Release.version,
            disk: { folder.use.map { DiskUse(vaultBytes: $0.vaultBytes, freeBytes: $0.freeBytes) } },
            reloadRefused: { reloading.refused })
        let routes = Routes(service: service, events: events, policy: reloading.policy, clock: clock, version: Release.version, open: open)
        return Assembly(
            service: service, runner: runner, events: events, routes: routes, open: open, tally: tally, requests: requests, vault: vault)
    }

    func denied(_ caller: CallerIdentity, _ right: Right, on scope: Scope) {
        tally.denied(right)
        service.denials.note(caller, right, scope)
    }

    func forgetDecoded() async {
        await vault.forgetDecoded()
    }

    /// Tells that the vault was sealed or unsealed, or that its quarantine began or ended.
    var turned: AsyncStream<Void> { vault.turned }

    /// Tells that the mirror of the vault's counter lags behind.
    var unmirrored: AsyncStream<Void> { vault.unmirrored }

    /// Brings it up to date; what is wrong with it.
    func mirrorCounter() async -> VaultError? {
        await vault.mirrorCounter()
    }

    /// Closes the vault's file, so that nothing is left to recover at the next start.
    func close() async {
        await vault.seal()
    }
}
