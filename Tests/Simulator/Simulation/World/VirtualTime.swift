import Model
import Rotations

/// The world's time: it passes only when nothing is left to run. The wall clock can be set; the monotonic one can't.
final class VirtualTime: RotationClock, @unchecked Sendable {
    // SAFETY: used from the scheduler's thread alone.
    private var uptimeNow = Duration.zero
    private var wallStart = Timestamp(milliseconds: 1_800_000_000_000)
    private var timers: [Timer] = []
    private var sleepers: [Int: CheckedContinuation<Void, Never>] = [:]
    private var nextID = 0
    /// While a killed daemon's tasks unwind, nobody sleeps.
    var isSleepless = false

    private struct Timer {
        let at: Duration
        let id: Int
        /// `nil`: wakes the sleeper of this id.
        let event: (() -> Void)?

        func comes(before other: Timer) -> Bool { at != other.at ? at < other.at : id < other.id }
    }

    func now() -> Timestamp { wallStart + uptimeNow }

    func uptime() -> Duration { uptimeNow }

    /// What an operator or NTP does to the wall clock.
    func jump(by duration: Duration) { wallStart = wallStart + duration }

    func sleep(for duration: Duration) async {
        let id = nextID
        nextID += 1
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard !Task.isCancelled, !isSleepless else { return continuation.resume() }
                sleepers[id] = continuation
                add(Timer(at: uptimeNow + duration, id: id, event: nil))
            }
        } onCancel: {
            sleepers.removeValue(forKey: id)?.resume()
        }
    }

    /// Something of the outside world that happens whether the daemon lives or not.
    func schedule(after duration: Duration, _ event: @escaping () -> Void) {
        add(Timer(at: uptimeNow + duration, id: nextID, event: event))
        nextID += 1
    }

    /// Moves on to the next thing that is to happen until `limit`; false when there is none, and it is `limit` then.
    func advance(until limit: Duration) -> Bool {
        while let next = timers.first {
            guard next.at <= limit else { break }
            removeFirst()
            if let event = next.event {
                uptimeNow = max(uptimeNow, next.at)
                event()
                return true
            }
            guard let sleeper = sleepers.removeValue(forKey: next.id) else { continue }
            uptimeNow = max(uptimeNow, next.at)
            sleeper.resume()
            return true
        }
        uptimeNow = max(uptimeNow, limit)
        return false
    }

    /// False when nobody slept.
    func wakeAll() -> Bool {
        guard !sleepers.isEmpty else { return false }
        let all = sleepers.sorted { $0.key < $1.key }
        sleepers = [:]
        for (_, sleeper) in all { sleeper.resume() }
        return true
    }

    // MARK: A binary heap

    private func add(_ timer: Timer) {
        timers.append(timer)
        var child = timers.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard timers[child].comes(before: timers[parent]) else { return }
            timers.swapAt(child, parent)
            child = parent
        }
    }

    private func removeFirst() {
        timers.swapAt(0, timers.count - 1)
        timers.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < timers.count && timers[child].comes(before: timers[least]) {
                least = child
            }
            guard least != parent else { return }
            timers.swapAt(parent, least)
            parent = least
        }
    }
}
