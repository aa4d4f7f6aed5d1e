import Synchronization

/// Counts what is being answered, so that stopping can wait for it and turn away the rest.
final class RequestsUnderWay: Sendable {
    private struct State {
        var count = 0
        /// Connections whose first request is still to come.
        var newcomers: Set<ObjectIdentifier> = []
        var isDraining = false
        var isStopping = false
    }

    private let state = Mutex(State())
    /// Opens when the last one was answered after `stop`.
    let answered = Latch()
    /// Opens when after `drain` no newcomer is left.
    let drained = Latch()

    /// Who connects now could not know better: its first request is waited for.
    func expect(_ newcomer: ObjectIdentifier) {
        state.withLock { _ = $0.newcomers.insert(newcomer) }
    }

    /// Its first request came, or will not.
    func settle(_ newcomer: ObjectIdentifier) {
        let isLast = state.withLock { state in
            state.newcomers.remove(newcomer) != nil && state.isDraining && state.newcomers.isEmpty
        }
        if isLast { drained.open() }
    }

    /// Nobody new comes any more; whoever is answered from here on need not keep the connection.
    func drain() {
        let isDone = state.withLock { state in
            state.isDraining = true
            return state.newcomers.isEmpty
        }
        if isDone { drained.open() }
    }

    var isDraining: Bool { state.withLock(\.isDraining) }

    /// `false` once the daemon stops.
    func begin() -> Bool {
        state.withLock { state in
            guard !state.isStopping else { return false }
            state.count += 1
            return true
        }
    }

    func end() {
        let isLast = state.withLock { state in
            state.count -= 1
            return state.isStopping && state.count == 0
        }
        if isLast { answered.open() }
    }

    func stop() {
        let isIdle = state.withLock { state in
            state.isStopping = true
            return state.count == 0
        }
        if isIdle { answered.open() }
    }
}
