import Synchronization

extension LiveRotations {
    /// What the outside may tell one rotation's driver: wake up, halt, cancel.
    final class Signal: Sendable {
        private struct State {
            var isHalted = false
            var isWoken = false
            var isBearerRefreshed = false
            var cancellation: Cancellation
            var hasHandedOver = false
            var bearerGeneration = 0
            var resting: CheckedContinuation<Void, Never>?
        }

        private enum Cancellation {
            case possible, asked, tooLate
        }

        private let state: Mutex<State>

        init(isCancellable: Bool) {
            state = Mutex(State(cancellation: isCancellable ? .possible : .tooLate))
        }

        /// Which bearer the last act went out with.
        var bearerGeneration: Int {
            get { state.withLock { $0.bearerGeneration } }
            set { state.withLock { $0.bearerGeneration = newValue } }
        }

        func wake(_ call: Call) {
            notify { state in
                state.isWoken = true
                state.isBearerRefreshed = call == .bearerRefreshed
            }
        }

        enum Call {
            case goOn
            /// For somebody else, or before this rested.
            case bearerRefreshed
        }

        /// Whether that is what woke it last.
        var isBearerRefreshed: Bool { state.withLock { $0.isBearerRefreshed } }

        func halt() { notify { $0.isHalted = true } }

        /// False while a PUT is out, and after one that may have been stored. Ends a delay and a rest.
        func cancel() -> Bool {
            var isGranted = false
            notify { state in
                guard state.cancellation != .tooLate else { return }
                state.cancellation = .asked
                isGranted = true
            }
            return isGranted
        }

        var isCancellable: Bool { state.withLock { $0.cancellation != .tooLate } }

        var isCancellationAsked: Bool { state.withLock { $0.cancellation == .asked } }

        enum HandOver {
            case go, halted, cancelled
        }

        /// What is durable of it. Before nobody else drives it, nobody knows how far an earlier driver got.
        func allow(cancelling isCancellable: Bool) {
            state.withLock { state in
                if !isCancellable {
                    state.cancellation = .tooLate
                } else if state.cancellation == .tooLate {
                    state.cancellation = .possible
                }
            }
        }

        /// The last look before an act: from a `go` on it can't be cancelled until it is allowed anew, and even when halted goes on with what follows at once.
        func handOver() -> HandOver {
            state.withLock { state in
                // Who was promised that it ends hears so before it is left to the next start.
                if state.cancellation == .asked { return .cancelled }
                if state.isHalted, !state.hasHandedOver { return .halted }
                state.cancellation = .tooLate
                state.hasHandedOver = true
                return .go
            }
        }

        /// False when halted before the time was over. No time at all is no pause: whoever halts waits for what follows at once, unless that
        /// is cancelled.
        func pause(for duration: Duration, on clock: any RotationClock) async -> Bool {
            guard duration > .zero else { return !Task.isCancelled }
            await sleep(for: duration, on: clock, until: \.isHalted)
            return !state.withLock { $0.isHalted }
        }

        /// The same before an act; over when it is cancelled as well.
        func delay(for duration: Duration, on clock: any RotationClock) async -> Bool {
            guard duration > .zero else { return !Task.isCancelled }
            await sleep(for: duration, on: clock) { $0.isHalted || $0.cancellation == .asked }
            return state.withLock { !$0.isHalted || $0.cancellation == .asked }
        }

        /// Before it becomes known that it rests: what woke it earlier counts no more.
        func prepareRest() {
            state.withLock { state in
                state.isWoken = false
                state.isBearerRefreshed = false
            }
        }

        /// Until woken or, where there is one, the time is over; false when halted.
        func rest(for duration: Duration?, on clock: any RotationClock) async -> Bool {
            await sleep(for: duration, on: clock) { $0.isHalted || $0.isWoken || $0.cancellation == .asked }
            return state.withLock { !$0.isHalted || $0.cancellation == .asked }
        }

        private func sleep(for duration: Duration?, on clock: any RotationClock, until isOver: @escaping @Sendable (State) -> Bool) async {
            await withTaskGroup { group in
                if let duration { group.addTask { await clock.sleep(for: duration) } }
                group.addTask { await self.waitUntil(isOver) }
                await group.next()
                group.cancelAll()
            }
        }

        private func waitUntil(_ isOver: @escaping @Sendable (State) -> Bool) async {
            while !Task.isCancelled, !state.withLock({ isOver($0) }) {
                await withTaskCancellationHandler {
                    await withCheckedContinuation { continuation in
                        let isOverNow = state.withLock { state -> Bool in
                            guard !Task.isCancelled, !isOver(state) else { return true }
                            state.resting = continuation
                            return false
                        }
                        if isOverNow { continuation.resume() }
                    }
                } onCancel: {
                    notify { _ in }
                }
            }
        }

        private func notify(_ change: (inout State) -> Void) {
            let resting = state.withLock { state -> CheckedContinuation<Void, Never>? in
                change(&state)
                defer { state.resting = nil }
                return state.resting
            }
            resting?.resume()
        }
    }
}
