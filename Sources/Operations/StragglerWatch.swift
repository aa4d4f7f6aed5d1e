package import Model
package import Rotations
import Synchronization

/// Which PUTs with an unknown outcome may still land. Only the monotonic clock tells: by a wall clock that jumps forward, a straggler would be
/// taken for gone, and its key erased before it lands. What was under way before the vault was opened counts from its opening: it may be another
/// copy than the one before, with PUTs that this process knows nothing of.
package final class StragglerWatch: Sendable {
    private let clock: any RotationClock
    private let limits: InForce<OperationLimits>
    private let state: Mutex<State>

    private struct State {
        var opening: Duration
        var sent: [Straggler: Duration] = [:]
    }

    private struct Straggler: Hashable {
        let config: ConfigName
        let version: VersionNumber
    }

    package init(clock: any RotationClock, limits: InForce<OperationLimits>) {
        self.clock = clock
        self.limits = limits
        state = Mutex(State(opening: clock.uptime()))
    }

    /// The vault is opened.
    func begin() {
        let now = clock.uptime()
        state.withLock { $0 = State(opening: now) }
    }

    private var horizon: Duration { limits.current.stragglerHorizon }

    /// How long what was under way before the opening may still land.
    var timeLeftSinceOpening: Duration {
        let (now, horizon) = (clock.uptime(), horizon)
        return state.withLock { max(horizon - (now - $0.opening), .zero) }
    }

    /// A PUT of this version ends without its outcome being known.
    func note(_ version: VersionNumber, of config: ConfigName) {
        let (now, horizon) = (clock.uptime(), horizon)
        state.withLock { state in
            state.sent = state.sent.filter { now - $0.value < horizon }
            state.sent[Straggler(config: config, version: version)] = now
        }
    }

    /// A rollback puts the credential of an earlier version under a number of its own: what may land of the one is the other's value.
    func carry(_ earlier: VersionNumber, over later: VersionNumber, of config: ConfigName) {
        state.withLock { state in
            state.sent[Straggler(config: config, version: later)] = state.sent[Straggler(config: config, version: earlier)]
        }
    }

    /// Whether a PUT of some other version than this one may still land.
    func othersMayLand(in config: ConfigRecord, but number: VersionNumber?) -> Bool {
        let (now, horizon) = (clock.uptime(), horizon)
        return state.withLock { state in
            config.versions.contains { version in
                guard version.number != number, version.landsUntil != nil else { return false }
                return now - (state.sent[Straggler(config: config.name, version: version.number)] ?? state.opening) < horizon
            }
        }
    }
}
