internal import Secrets
internal import Synchronization

/// The backend's list, fetched once for everybody who wants it at the same time, and kept for those who don't mind its age.
final class SharedListing: Sendable {
    private let state = Mutex(State())

    private struct State {
        var kept: (result: ListResult, asOf: ContinuousClock.Instant)?
        var isFetching = false
        var waiters: [(id: UInt64, continuation: CheckedContinuation<Fetched?, Never>)] = []
        var nextWaiter: UInt64 = 0
    }

    private struct Fetched: Sendable {
        let result: ListResult
        /// When it was asked for: the list is at least as new as that.
        let asOf: ContinuousClock.Instant
    }

    private enum Step {
        case done(ListResult)
        case fetch
        case wait
    }

    /// A backend without a list is not asked again for each of a thousand rotations.
    private static let refusalAge = Duration.seconds(30)

    func read(noOlderThan age: Duration, bearer: borrowing Secret, by request: ListRequest) async -> ListResult {
        let called = ContinuousClock.now
        while true {
            let step = state.withLock { state -> Step in
                if let kept = state.kept, Self.serves(kept.result, kept.asOf, age, called) { return .done(kept.result) }
                guard !state.isFetching else { return .wait }
                state.isFetching = true
                return .fetch
            }
            switch step {
            case .done(let result): return result
            case .fetch:
                let asOf = ContinuousClock.now
                let result = await request.send(bearer: bearer)
                finish(Fetched(result: result, asOf: asOf))
                return result
            case .wait:
                // What a waiter gets, it takes, unless it wants a list that was asked for later.
                guard let fetched = await nextFetched() else { continue }
                if Task.isCancelled || age > .zero || fetched.asOf >= called { return fetched.result }
            }
        }
    }

    private static func serves(_ result: ListResult, _ asOf: ContinuousClock.Instant, _ age: Duration, _ called: ContinuousClock.Instant)
        -> Bool
    {
        switch result {
        case .entries: asOf >= called || called - asOf <= age && age > .zero
        case .unavailable: called - asOf <= min(age, refusalAge) && age > .zero
        case .unauthorized, .cancelled: false
        }
    }

    private func finish(_ fetched: Fetched) {
        let waiters = state.withLock { state in
            state.isFetching = false
            switch fetched.result {
            case .entries, .unavailable: state.kept = (fetched.result, fetched.asOf)
            case .unauthorized, .cancelled: break
            }
            defer { state.waiters = [] }
            return state.waiters
        }
        // The others did not ask to be cancelled: one of them fetches in turn.
        let outcome: Fetched? = if case .cancelled = fetched.result { nil } else { fetched }
        for waiter in waiters { waiter.continuation.resume(returning: outcome) }
    }

    /// `nil`: look again, or the task was cancelled.
    private func nextFetched() async -> Fetched? {
        let id = state.withLock { state -> UInt64 in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state -> Bool in
                    guard state.isFetching, !Task.isCancelled else { return true }
                    state.waiters.append((id, continuation))
                    return false
                }
                if isOver { continuation.resume(returning: nil) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> CheckedContinuation<Fetched?, Never>? in
                guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
                return state.waiters.remove(at: index).continuation
            }
            waiter?.resume(returning: nil)
        }
    }
}
