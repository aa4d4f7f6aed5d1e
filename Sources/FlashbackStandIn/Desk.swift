internal import Synchronization

/// The books under their lock, and whoever waits for something to happen to them.
final class Desk: Sendable {
    private let state: Mutex<State>

    private struct State {
        var books: Books
        var onRelease: [@Sendable () -> Void] = []
        var waiters: [(count: Int, call: Call, continuation: CheckedContinuation<Void, Never>)] = []
        var connections = 0
    }

    init(_ options: Options) {
        state = Mutex(State(books: Books(options)))
    }

    func take(_ incoming: Books.Incoming) -> Plan {
        let (plan, satisfied) = state.withLock { state -> (Plan, [CheckedContinuation<Void, Never>]) in
            let plan = state.books.take(incoming)
            let isDone = { (waiter: (count: Int, call: Call, continuation: CheckedContinuation<Void, Never>)) in
                state.books.count(of: waiter.call) >= waiter.count
            }
            let satisfied = state.waiters.filter(isDone).map(\.continuation)
            state.waiters.removeAll(where: isDone)
            return (plan, satisfied)
        }
        for waiter in satisfied { waiter.resume() }
        return plan
    }

    func with<R: Sendable>(_ body: @Sendable (inout Books) -> R) -> R {
        state.withLock { body(&$0.books) }
    }

    func nextConnection() -> Int {
        state.withLock { state in
            state.connections += 1
            return state.connections
        }
    }

    var connections: Int { state.withLock { $0.connections } }

    func onRelease(_ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.onRelease.append(body) }
    }

    func release() {
        let held = state.withLock { state in
            defer { state.onRelease = [] }
            return state.onRelease
        }
        for body in held { body() }
    }

    func waitFor(_ count: Int, of call: Call) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state -> Bool in
                if state.books.count(of: call) >= count { return true }
                state.waiters.append((count, call, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}

extension Books {
    /// `any` counts all.
    func count(of call: Call) -> Int {
        call == .any ? counts.values.reduce(0, +) : counts[call, default: 0]
    }
}
