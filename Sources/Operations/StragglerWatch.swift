package import Model
package import Rotations
import Synchronization

/// Which PUTs with an unknown outcome may still land. Only the monotonic clock tells: by a wall clock that jumps forward, a straggler would be
/// taken for gone, and its key erased before it lands. What was under way before this process began counts from its beginning.
package final class StragglerWatch: Sendable {
    private let clock: any RotationClock
    private let limits: InForce<OperationLimits>
    private let beginning: Duration
    private let sent: Mutex<[Straggler: Duration]> = Mutex([:])

    private struct Straggler: Hashable {
        let config: ConfigName
        let version: VersionNumber
    }

    package init(clock: any RotationClock, limits: InForce<OperationLimits>) {
        self.clock = clock
        self.limits = limits
        beginning = clock.uptime()
    }

    private var horizon: Duration { limits.current.stragglerHorizon }

    /// A PUT of this version ends without its outcome being known.
    func note(_ version: VersionNumber, of config: ConfigName) {
        let (now, horizon) = (clock.uptime(), horizon)
        sent.withLock { sent in
            sent = sent.filter { now - $0.value < horizon }
            sent[Straggler(config: config, version: version)] = now
        }
    }

    /// Whether a PUT of some other version than this one may still land.
    func othersMayLand(in config: ConfigRecord, but number: VersionNumber?) -> Bool {
        let (now, horizon) = (clock.uptime(), horizon)
        return sent.withLock { sent in
            config.versions.contains { version in
                guard version.number != number, version.landsUntil != nil else { return false }
                return now - (sent[Straggler(config: config.name, version: version.number)] ?? beginning) < horizon
            }
        }
    }
}
