import NIOCore
import Synchronization

/// What each user's callers use of the daemon together, so that none can keep it from the others.
final class CallerShares: Sendable {
    private struct Share {
        var requests = 0
        var streams = 0
        var bytes = 0
        /// How many more requests may come at once, as of `counted`.
        var allowance: Double
        var counted: ContinuousClock.Instant
    }

    /// A place that is taken; given back with the last reference.
    final class Seat: Sendable {
        private let giveBack: @Sendable () -> Void

        fileprivate init(_ giveBack: @escaping @Sendable () -> Void) { self.giveBack = giveBack }

        deinit { giveBack() }
    }

    private let shares = Mutex<[UInt32: Share]>([:])
    private let limits: CallerLimits
    private let now: @Sendable () -> ContinuousClock.Instant

    init(_ limits: CallerLimits, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.limits = limits
        self.now = now
    }

    /// For a request that has come in whole, until it is answered; `nil` when there were too many in this second, or are too many at once.
    func takeRequest(of uid: UInt32) -> Seat? {
        guard !limits.unlimited.contains(uid) else { return Seat {} }
        let isTaken = change(uid) { share in
            guard share.allowance >= 1, share.requests < limits.requestsAtOnce else { return false }
            share.allowance -= 1
            share.requests += 1
            return true
        }
        return isTaken
            ? Seat { [self] in
                _ = change(uid) {
                    $0.requests -= 1; return true
                }
            } : nil
    }

    func takeStream(of uid: UInt32) -> Seat? {
        guard !limits.unlimited.contains(uid) else { return Seat {} }
        let isTaken = change(uid) { share in
            guard share.streams < limits.streams else { return false }
            share.streams += 1
            return true
        }
        return isTaken
            ? Seat { [self] in
                _ = change(uid) {
                    $0.streams -= 1; return true
                }
            } : nil
    }

    /// Room for bytes of a body that is coming in.
    func hold(_ count: Int, of uid: UInt32) -> Bool {
        guard !limits.unlimited.contains(uid) else { return true }
        return change(uid) { share in
            guard share.bytes + count <= limits.bodyBytesAtOnce else { return false }
            share.bytes += count
            return true
        }
    }

    func letGo(_ count: Int, of uid: UInt32) {
        guard count > 0, !limits.unlimited.contains(uid) else { return }
        _ = change(uid) { share in
            share.bytes -= count
            return true
        }
    }

    private func change(_ uid: UInt32, _ body: (inout Share) -> Bool) -> Bool {
        let now = now()
        return shares.withLock { shares in
            var share = shares[uid] ?? Share(allowance: limits.requestBurst, counted: now)
            let earned = (now - share.counted) / .seconds(1) * limits.requestsPerSecond
            share.allowance = min(limits.requestBurst, share.allowance + earned)
            share.counted = now
            let outcome = body(&share)
            // Who uses nothing and has all of its allowance is like one who never came.
            let isIdle = share.requests == 0 && share.streams == 0 && share.bytes == 0 && share.allowance >= limits.requestBurst
            shares[uid] = isIdle ? nil : share
            return outcome
        }
    }
}

/// Room for the bodies of one connection's requests, out of its user's share.
final class BodyRoom {
    private let shares: CallerShares
    private let uid: UInt32
    private var held = 0

    init(shares: CallerShares, uid: UInt32) {
        self.shares = shares
        self.uid = uid
    }

    func hold(_ count: Int) -> Bool {
        guard shares.hold(count, of: uid) else { return false }
        held += count
        return true
    }

    func letGo() {
        shares.letGo(held, of: uid)
        held = 0
    }

    deinit { letGo() }
}
