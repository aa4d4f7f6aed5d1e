import Access
import Host
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

/// The daemon's life: listen, unseal, serve, stop.
struct Daemon {
    let settings: DaemonSettings
    let reloading: Reloading
    let rotatesDue: Bool
    let logger: Logger
    private let manager = ServiceManager()

    /// systemd's "configuration error": a restart can't mend it.
    static let unmendable: Int32 = 78

    init(settings: DaemonSettings, reloading: Reloading, rotatesDue: Bool, logger: Logger) {
        self.settings = settings
        self.reloading = reloading
        self.rotatesDue = rotatesDue
        self.logger = logger
    }

    /// Returns the exit status.
    func run() async -> Int32 {
        do {
            let hardening = try Hardening.apply()
            logger.debug("Hardened.", metadata: ["open_files_max": "\(hardening.openFilesMax)"])
            let signals = try DaemonSignal.stream()
            HTTPClient.prepare()
            // Listening comes first: callers wait in the queue while the vault is opened, instead of being told that it is sealed.
            let sockets = try listen()
            let assembly = Assembly.make(settings, reloading, logger: logger)
            let opening = await unlock(assembly)
            let units = SystemUnits()
            let server = SocketServer(
                policy: reloading.policy, logger: logger, now: { WallClock.now }, unitOf: { await units.unit(of: $0) },
                tally: assembly.requests, onDenial: assembly.denied, open: assembly.open.answer, routes: assembly.routes.add)
            try await server.start(on: sockets)
            await serve(assembly, server, signals, opening)
            return 0
        } catch let unknown as UnknownGroup {
            logger.critical("There is no group '\(unknown.name)', which 'socket_group' names.", metadata: ["event": "daemon.cannot-start"])
            return Self.unmendable
        } catch let failure as SocketFailure {
            logger.critical("\(failure)", metadata: ["event": "daemon.cannot-start"])
            return Self.unmendable
        } catch {
            logger.critical("keyturnd can't go on: \(error)", metadata: ["event": "daemon.cannot-start"])
            return 1
        }
    }

    private func listen() throws -> [ListeningSocket] {
        let inherited = try ListeningSocket.inherited()
        guard !inherited.contains(where: { $0.purpose == .api }) else { return inherited }
        var group: UInt32?
        if let name = settings.socketGroup {
            guard let id = Accounts.gid(nameOrNumber: name) else { throw UnknownGroup(name: name) }
            group = id
        }
        return inherited + [try ListeningSocket(path: settings.socket, mode: settings.socketMode, group: group)]
    }

    /// A vault that can't be opened is served sealed, with the reason, so that whoever asks learns it.
    private func unlock(_ assembly: Assembly) async -> VaultService.Opening? {
        do { return try await assembly.service.unlock(by: nil) } catch {
            tell(whyNotOpen: error)
            return nil
        }
    }

    /// Takes longer the more there is in the vault: the first requests are answered before.
    private func takeUp(_ opening: VaultService.Opening, _ assembly: Assembly) async {
        do { try await assembly.service.takeUp(opening, by: nil) } catch { tell(whyNotOpen: error) }
    }

    private func tell(whyNotOpen error: VaultError) {
        logger.error(
            "Sealed: \(error.explanation)",
            metadata: ["event": "vault.not-opened", "reason": "\(error.code)", "next_step": "\(error.nextStep)"])
    }

    private func serve(
        _ assembly: Assembly, _ server: SocketServer, _ signals: AsyncStream<DaemonSignal>, _ opening: consuming VaultService.Opening?
    ) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await assembly.runner.run() }
            group.addTask { await assembly.service.eraseWhatIsDue() }
            group.addTask { await assembly.service.watchDisk() }
            group.addTask { await assembly.service.recordDenials(unrecorded: EventLog(logger: logger).unrecorded) }
            group.addTask { await self.trimHeap(assembly) }
            group.addTask { await self.mirrorCounter(assembly) }
            group.addTask { for await _ in assembly.turned { manager.tell(.status(await statusLine(assembly))) } }
            if let opening { group.addTask { await self.takeUp(opening, assembly) } }
            if rotatesDue { group.addTask { await assembly.service.rotateWhatIsDue(as: Self.ownCaller) } }
            if let limit = manager.watchdogInterval {
                let watchdog = Watchdog(manager: manager, signs: SignsOfLife(loop: server.loop, assembly.service), logger: logger)
                group.addTask { await watchdog.feed(every: limit) { await self.statusLine(assembly) } }
            }
            group.addTask { await server.run() }
            manager.tell(.ready(status: await statusLine(assembly)))
            let isSealed = await assembly.service.sealedBecause != nil
            logger.info(
                "Serving, \(isSealed ? "sealed" : "unsealed").", metadata: ["event": "daemon.serving", "vault": "\(settings.vault)"])
            await untilStopped(signals, assembly)
            await stop(assembly, server, signals)
            group.cancelAll()
        }
        // Nothing uses the vault any more.
        await assembly.close()
    }

    private func untilStopped(_ signals: AsyncStream<DaemonSignal>, _ assembly: Assembly) async {
        for await signal in signals {
            switch signal {
            case .stop: return
            case .reload:
                manager.tell(.reloading)
                reloading.reload(logger)
                manager.tell(.ready(status: await statusLine(assembly)))
            }
        }
    }

    private static func stopAsked(_ signals: AsyncStream<DaemonSignal>) async {
        for await signal in signals where signal == .stop { return }
    }

    /// What is under way may come to its end in the time there is, and whoever waits for it hears how it ended. What then still runs is cut
    /// off and resumed at the next start; whoever waits for that is told so. Asked a second time to stop, it does not wait.
    private func stop(_ assembly: Assembly, _ server: SocketServer, _ signals: AsyncStream<DaemonSignal>) async {
        let time = reloading.limits.stopTime.current
        manager.tell(.stopping)
        manager.tell(.extend(time + Self.answerTime * 2))
        logger.info("Stopping.", metadata: ["event": "daemon.stopping"])
        await server.turnAway()
        assembly.events.close()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await assembly.runner.halt()
                await server.allAnswered()
            }
            group.addTask { try? await Task.sleep(for: time) }
            group.addTask { await Self.stopAsked(signals) }
            await group.next()
            group.cancelAll()
        }
        await server.stop(within: Self.answerTime)
    }

    /// To write the last answers in.
    private static let answerTime = Duration.seconds(3)

    private func statusLine(_ assembly: Assembly) async -> String {
        let vault =
            if let why = await assembly.service.sealedBecause {
                "Sealed: \(why.detail)"
            } else if let quarantine = await assembly.service.quarantine {
                "Unsealed, in quarantine. \(quarantine.reason)"
            } else {
                "Unsealed."
            }
        return reloading.refused.map { "\(vault) The last reload was refused: \($0)" } ?? vault
    }

    /// After a burst the heap does not shrink by itself.
    private func trimHeap(_ assembly: Assembly) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(5))
            await assembly.forgetDecoded()
            Hardening.trimHeap()
        }
    }

    /// Whoever puts back an older copy of the vault is found out if it is older by more than this.
    private static let mirrorLag = Duration.seconds(1)

    private func mirrorCounter(_ assembly: Assembly) async {
        var last: VaultError?
        for await _ in assembly.unmirrored {
            repeat {
                try? await Task.sleep(for: Self.mirrorLag)
                let trouble = await assembly.mirrorCounter()
                if let trouble, trouble != last {
                    logger.error(
                        "The counter is not mirrored: \(trouble.detail)",
                        metadata: ["event": "vault.counter-not-mirrored", "reason": "\(trouble.code)"])
                }
                last = trouble
            } while last != nil && !Task.isCancelled
        }
    }

    private struct UnknownGroup: Error {
        let name: String
    }

    private static var ownCaller: Caller {
        let own = CallerIdentity(uid: Machine.ownUID, gid: 0, groups: [], pid: 0, unit: nil)
        // What the policy lets callers do is nothing to the daemon itself.
        return Caller(own, under: .ownerOnly(daemonUID: own.uid))
    }
}
