package import Rotations
import Synchronization
package import Vault

/// Passes on what happens to those who watch, and keeps nothing: who falls behind is cut off and catches up from the audit log.
package final class EventHub: AuditAudience, RotationObserver {
    package enum Event: Sendable {
        /// Durable: an entry of the audit log.
        case recorded(AuditEntry)
        /// Live only: an act of a rotation.
        case step(Rotation, Step)
    }

    /// An act of a rotation, as those who watch are told.
    package enum Step: String, Sendable {
        case applying, proving, reverting
        case lookingUp = "looking-up"
        case renewingBearer = "renewing-bearer"
    }

    private let watchers = Mutex<[Int: AsyncStream<Event>.Continuation]>([:])
    private let counter = Mutex(0)
    private let listeners: [any EventListener]

    /// What a slow watcher may lag behind before it is cut off.
    private static let bufferMax = 256

    package init(listeners: [any EventListener]) {
        self.listeners = listeners
    }

    package func watch() -> AsyncStream<Event> {
        let id = counter.withLock { counter in
            counter += 1
            return counter
        }
        let (stream, continuation) = AsyncStream.makeStream(of: Event.self, bufferingPolicy: .bufferingOldest(Self.bufferMax))
        continuation.onTermination = { [weak self] _ in self?.watchers.withLock { $0[id] = nil } }
        watchers.withLock { $0[id] = continuation }
        return stream
    }

    /// Ends all streams, at the daemon's stop.
    package func close() {
        let all = watchers.withLock { watchers in
            defer { watchers = [:] }
            return Array(watchers.values)
        }
        for watcher in all { watcher.finish() }
    }

    package func recorded(_ entry: AuditEntry) {
        for listener in listeners { listener.recorded(entry) }
        pass(.recorded(entry))
    }

    package func notRecorded(_ changes: Int) {
        for listener in listeners { listener.notRecorded(changes) }
    }

    package func roomChanged(to room: VaultStore.Room) {
        for listener in listeners { listener.roomChanged(to: room) }
    }

    package func rotation(_ rotation: Rotation, does step: RotationStep) {
        guard let step = Step(step) else { return }
        for listener in listeners { listener.rotation(rotation, step: step.rawValue) }
        pass(.step(rotation, step))
    }

    package func rotation(_ rotation: Rotation, got answer: String) {
        for listener in listeners { listener.rotation(rotation, step: "answer \(answer)") }
    }

    package func rotation(_ rotation: Rotation, cannotGoOn error: any Error) {
        for listener in listeners { listener.rotation(rotation, cannotGoOn: error) }
    }

    private func pass(_ event: Event) {
        let cutOff = watchers.withLock { watchers in
            watchers.values.filter { if case .dropped = $0.yield(event) { true } else { false } }
        }
        for watcher in cutOff { watcher.finish() }
    }
}

/// Hears everything, for the log and the metrics. Must not block.
package protocol EventListener: Sendable {
    func recorded(_ entry: AuditEntry)
    func notRecorded(_ changes: Int)
    func roomChanged(to room: VaultStore.Room)
    func rotation(_ rotation: Rotation, step: String)
    func rotation(_ rotation: Rotation, cannotGoOn error: any Error)
}

extension EventHub.Step {
    init?(_ step: RotationStep) {
        switch step {
        case .act(.put(.offered), _): self = .applying
        case .act(.put(.standing), _): self = .reverting
        case .act(.validate, _): self = .proving
        case .lookUp: self = .lookingUp
        case .renewBearer: self = .renewingBearer
        case .commit, .rest: return nil
        }
    }
}
