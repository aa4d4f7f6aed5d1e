import Synchronization

/// The connections that are being handled, each by a task that begins with it: one that was accepted is never let go of unhandled, also
/// not in the moment in which its socket is closed.
final class Handlings: Sendable {
    private struct State {
        var tasks: [UInt64: Task<Void, Never>] = [:]
        var nextID: UInt64 = 0
        var isOver = false
    }

    private let state = Mutex(State())
    /// Opens when the last one has ended after `end`.
    private let ended = Latch()

    func begin(_ handle: @escaping @Sendable () async -> Void) {
        state.withLock { state in
            state.nextID += 1
            let id = state.nextID
            let task = Task {
                await handle()
                self.handled(id)
            }
            state.tasks[id] = task
            // It still closes what it was given.
            if state.isOver { task.cancel() }
        }
    }

    /// Cancels what still runs; returns when it has ended.
    func end() async {
        let (tasks, isIdle) = state.withLock { state in
            state.isOver = true
            return (Array(state.tasks.values), state.tasks.isEmpty)
        }
        for task in tasks { task.cancel() }
        if isIdle { ended.open() }
        await ended.wait()
    }

    private func handled(_ id: UInt64) {
        let isLast = state.withLock { state in
            state.tasks[id] = nil
            return state.isOver && state.tasks.isEmpty
        }
        if isLast { ended.open() }
    }
}
