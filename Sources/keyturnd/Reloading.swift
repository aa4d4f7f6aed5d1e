import Access
import Host
import Logging
import Model
import Settings
import Synchronization

/// What a reload changes while the daemon works: the policy, all limits, and how much is logged. What is wrong leaves all as it was.
final class Reloading: Sendable {
    let policy: PolicyInForce
    let limits: LimitsInForce
    private let sources: SettingsSources
    private let settings: DaemonSettings
    private let log: DaemonLog
    private let refusal = Mutex<String?>(nil)

    /// Throws what is wrong with the policy: without one that it can read the daemon does not begin.
    init(_ sources: SettingsSources, _ settings: DaemonSettings, log: DaemonLog) throws(SettingsErrors) {
        self.sources = sources
        self.settings = settings
        self.log = log
        limits = LimitsInForce(settings)
        policy = PolicyInForce(try Self.policy(sources))
    }

    static func policy(_ sources: SettingsSources) throws(SettingsErrors) -> Policy {
        try PolicySources(folder: sources.policyFolder, trusted: Machine.ownUID).read() ?? .ownerOnly(daemonUID: Machine.ownUID)
    }

    /// Why the last reload changed nothing; `nil` when it did.
    var refused: String? { refusal.withLock(\.self) }

    func reload(_ logger: Logger) {
        do throws(SettingsErrors) {
            let newer = try sources.read()
            let rules = try Self.policy(sources)
            policy.replace(with: rules)
            limits.replace(with: newer)
            log.level = Logger.Level(newer.logLevel)
            refusal.withLock { $0 = nil }
            logger.notice("Reloaded.", metadata: ["event": "daemon.reloaded", "rules": "\(rules.rules.count)"])
            let fixed = settings.fixed(changedIn: newer)
            if !fixed.isEmpty { logger.notice("What was changed of \(fixed.joined(separator: ", ")) takes effect at the next start.") }
        } catch {
            refusal.withLock { $0 = error.errors.first?.description }
            for problem in error.errors {
                logger.error(
                    "Nothing was reloaded: \(problem)",
                    metadata: ["event": "daemon.reload-refused", "next_step": "systemctl reload keyturnd"])
            }
        }
    }
}

extension DaemonSettings {
    /// Settings that a running daemon can't change: where things are.
    fileprivate func fixed(changedIn newer: DaemonSettings) -> [String] {
        [
            ("vault", vault != newer.vault), ("socket", socket != newer.socket), ("socket_mode", socketMode != newer.socketMode),
            ("socket_group", socketGroup != newer.socketGroup), ("key_file", keyFile != newer.keyFile),
            ("counter_file", counterFile != newer.counterFile), ("log_format", logFormat != newer.logFormat),
        ].filter(\.1).map { "'\($0.0)'" }
    }
}
