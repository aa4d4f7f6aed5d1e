internal import Synchronization

/// The books under their lock, and whoever waits for something to happen to them.
final class Desk: Sendable {
    private let state: Mutex<State>

    private struct State {
        var books: Books
        var onRelease: [@Sendable () -> Void] = []
        var releases = 0
        var waiters: [(count: Int, call: Call, continuation: CheckedContinuation<Void, Never>)] = []
        var connections = 0
    }

    init(_ options: Options) {
        state = Mutex(State(books: Books(options)))
    }

    /// The plan, and how often `release` had been called when it was made: whoever was told that the request has come may release it before its
    /// connection gets to wait.
    func take(_ incoming: Books.Incoming) -> (Plan, releases: Int) {
        let (plan, releases, satisfied) = state.withLock { state -> (Plan, Int, [CheckedContinuation<Void, Never>]) in
            let plan = state.books.take(incoming)
            let isDone = { (waiter: (count: Int, call: Call, continuation: CheckedContinuation<Void, Never>)) in
                state.books.count(of: waiter.call) >= waiter.count
            }
            let satisfied = state.waiters.filter(isDone).map(\.continuation)
            state.waiters.removeAll(where: isDone)
            return (plan, state.releases, satisfied)
        }
        for waiter in satisfied { waiter.resume() }
        return (plan, releases)
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

    func onRelease(after releases: Int, _ body: @escaping @Sendable () -> Void) {
        let isOver = state.withLock { state -> Bool in
            guard state.releases == releases else { return true }
            state.onRelease.append(body)
            return false
        }
        if isOver { body() }
    }

    func release() {
        let held = state.withLock { state in
            defer { state.onRelease = [] }
            state.releases += 1
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
