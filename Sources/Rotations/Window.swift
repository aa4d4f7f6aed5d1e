import Synchronization

/// So many at once and no more, first come first served.
package final class Window: Sendable {
    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    let size: Int
    private let state: Mutex<State>

    package init(size: Int) {
        self.size = size
        state = Mutex(State(free: size))
    }

    package func enter() async {
        await withCheckedContinuation { continuation in
            let isIn = state.withLock { state -> Bool in
                guard state.free == 0 else {
                    state.free -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isIn { continuation.resume() }
        }
    }

    package func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if state.waiting.isEmpty {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}
