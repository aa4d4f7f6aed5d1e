import Synchronization

/// Counts what is being answered, so that stopping can wait for it and turn away the rest.
final class RequestsUnderWay: Sendable {
    private let state = Mutex((count: 0, isStopping: false))
    /// Opens when the last one was answered after `stop`.
    let answered = Latch()

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
