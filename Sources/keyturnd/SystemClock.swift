import Host
import Model
import Rotations

/// The machine's own clocks.
struct SystemClock: RotationClock {
    func now() -> Timestamp { WallClock.now }

    func uptime() -> Duration { Machine.uptime }

    func sleep(for duration: Duration) async {
        // Cancelled: the caller looks for itself.
        try? await Task.sleep(for: duration, clock: .continuous)
    }
}
