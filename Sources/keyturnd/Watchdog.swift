import Host
import Logging
import SocketAPI

/// Tells systemd that the daemon lives for as long as what every request needs answers; otherwise systemd kills and restarts it
/// (`WatchdogSec=`, systemd.service(5)).
struct Watchdog {
    let manager: ServiceManager
    let signs: SignsOfLife
    let logger: Logger

    /// A look that takes longer than a third of `limit` does not count, and the next one begins at once: what is merely busy gets two of
    /// them. Also passes on what `status` says.
    func feed(every limit: Duration, status: () async -> String) async {
        while !Task.isCancelled {
            let missing = await signs.missing(within: limit / 3)
            if missing.isEmpty {
                manager.tell(.alive)
                manager.tell(.status(await status()))
                try? await Task.sleep(for: limit / 3)
            } else if !Task.isCancelled {
                let words = missing.map(\.rawValue).joined(separator: " and ")
                logger.critical(
                    "No answer from \(words) within \(limit / 3). If it stays so, systemd's watchdog ends and restarts the daemon.",
                    metadata: ["event": "daemon.hangs"])
            }
        }
    }
}
