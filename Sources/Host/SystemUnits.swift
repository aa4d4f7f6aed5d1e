import CLinux
import Dispatch

/// Asks PID 1 which system unit a process belongs to. No answer, or none that is certain, is `nil`: nothing is granted by it.
package final class SystemUnits: Sendable {
    /// Calls block, so they have a thread of their own, never the event loop's.
    private let queue = DispatchQueue(label: "keyturn.system-units")
    private let manager: UnitManager

    /// PID 1 answers within a millisecond; a caller must not wait long for one that hangs.
    package init(timeout: Duration = .seconds(2)) {
        manager = UnitManager(timeout: timeout)
    }

    package func unit(of peer: PeerFacts) async -> String? {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: self.manager.unit(of: peer)) }
        }
    }

    /// A service's name grants; scopes and users' managers hold whatever a user likes to start in them.
    package static func isTrusted(_ name: String) -> Bool {
        name.hasSuffix(".service") && !name.hasPrefix("user@") && name != ".service"
    }
}

extension UnitManager {
    fileprivate func unit(of peer: PeerFacts) -> String? {
        guard let unit = unit(ofProcess: peer.process, pid: peer.pid), SystemUnits.isTrusted(unit.name) else { return nil }
        if let process = peer.process {
            // It still runs, so the pid that PID 1 was asked about was its own all the time.
            // SAFETY: takes a descriptor that `process` keeps open.
            return kt_pidfd_is_running(process.number) == 1 ? unit.name : nil
        }
        // The pid may have passed to another process since: then at least the user must be the unit's.
        return uid(ofService: unit) == peer.uid ? unit.name : nil
    }
}
