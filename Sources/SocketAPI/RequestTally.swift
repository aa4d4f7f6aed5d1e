import Synchronization

/// Counts the answered requests. There are as many counters as routes times status codes, whatever callers send.
package final class RequestTally: Sendable {
    struct Kind: Hashable, Sendable {
        /// `nil` for what reached none.
        let route: String?
        let code: Int
    }

    private let state = Mutex<[Kind: UInt64]>([:])

    package init() {}

    func count(_ route: String?, _ code: Int) {
        state.withLock { $0[Kind(route: route, code: code), default: 0] += 1 }
    }

    var counts: [Kind: UInt64] { state.withLock(\.self) }
}
