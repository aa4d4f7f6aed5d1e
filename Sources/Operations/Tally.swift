package import Access
package import Model
package import Rotations
import Synchronization
package import Vault

/// Counts what happens from the daemon's start on, for the metrics. What there is of each is bounded by the configs and upstreams that exist.
package final class Tally: EventListener {
    package struct Counts: Sendable {
        package var auditEntries: UInt64 = 0
        /// Changes that were refused since they and their entries could not be made durable.
        package var auditFailures: UInt64 = 0
        package var denials: [Right: UInt64] = [:]
        package var rotations: [ConfigName: Ends] = [:]
        package var phases: [Phase: Histogram] = [:]
        package var upstreams: [UpstreamName: Requests] = [:]
    }

    /// How a config's rotations ended.
    package struct Ends: Sendable {
        package var succeeded: UInt32 = 0
        package var rejected: UInt32 = 0
        package var failed: UInt32 = 0
        package var cancelled: UInt32 = 0

        package init() {}
    }

    /// What a rotation spends its time on, its waiting for the next try included.
    package enum Phase: String, Sendable, CaseIterable {
        case apply, prove
    }

    /// To one upstream.
    package struct Requests: Sendable {
        package struct Kind: Hashable, Sendable {
            package let method: String
            package let outcome: String
        }

        package var counts: [Kind: UInt64] = [:]
        package var times = Histogram.ofRequests
    }

    fileprivate struct State {
        var counts = Counts()
        var live: [RotationID: (phase: Phase, since: Duration)] = [:]
    }

    private let state = Mutex(State())
    private let clock: any RotationClock

    package init(clock: any RotationClock) {
        self.clock = clock
    }

    package var counts: Counts { state.withLock(\.counts) }

    package func recorded(_ entry: AuditEntry) {
        let (event, now) = (entry.event, clock.uptime())
        state.withLock { state in
            state.counts.auditEntries += 1
            if let config = event.config, let end = Self.end(event.event) {
                state.counts.rotations[config, default: Ends()][keyPath: end] += 1
            }
            if let rotation = event.rotation, Self.isOver(event.event) { state.leave(rotation, at: now) }
            switch event.event {
            case "config.removed", "config.purged": if let config = event.config { state.counts.rotations[config] = nil }
            case "upstream.removed": if let upstream = event.upstream { state.counts.upstreams[upstream] = nil }
            default: break
            }
        }
    }

    package func notRecorded(_ changes: Int) {
        state.withLock { $0.counts.auditFailures += UInt64(changes) }
    }

    package func roomChanged(to room: VaultStore.Room) {}

    package func rotation(_ rotation: Rotation, step: String) {
        let phase: Phase
        switch EventHub.Step(rawValue: step) {
        case .applying, .reverting: phase = .apply
        case .proving: phase = .prove
        case .lookingUp, .renewingBearer, nil: return
        }
        let now = clock.uptime()
        state.withLock { state in
            guard state.live[rotation.id]?.phase != phase else { return }
            state.leave(rotation.id, at: now)
            state.live[rotation.id] = (phase, now)
        }
    }

    package func rotation(_ rotation: Rotation, cannotGoOn error: any Error) {}

    package func denied(_ right: Right) {
        state.withLock { $0.counts.denials[right, default: 0] += 1 }
    }

    /// A request to a backend. `method` and `outcome` are words of a closed list.
    package func requested(_ upstream: UpstreamName, _ method: String, outcome: String, took time: Duration) {
        state.withLock { state in
            state.counts.upstreams[upstream, default: Requests()].counts[.init(method: method, outcome: outcome), default: 0] += 1
            state.counts.upstreams[upstream]?.times.note(time)
        }
    }

    private static func end(_ event: String) -> WritableKeyPath<Ends, UInt32>? {
        switch event {
        case "rotation.succeeded": \.succeeded
        case "rotation.rejected": \.rejected
        case "rotation.failed": \.failed
        case "rotation.cancelled": \.cancelled
        default: nil
        }
    }

    private static func isOver(_ event: String) -> Bool { event == "rotation.stuck" || end(event) != nil }
}

extension Tally.State {
    fileprivate mutating func leave(_ rotation: RotationID, at now: Duration) {
        guard let (phase, since) = live.removeValue(forKey: rotation) else { return }
        counts.phases[phase, default: .ofPhases].note(now - since)
    }
}
