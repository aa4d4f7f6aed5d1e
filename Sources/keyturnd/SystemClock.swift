import Foundation
import Glibc
import Model
import Rotations

/// The machine's own clocks.
struct SystemClock: RotationClock {
    func now() -> Timestamp { Timestamp(Date()) }

    /// CLOCK_BOOTTIME: monotonic, and goes on while the machine is suspended.
    func uptime() -> Duration {
        var time = timespec()
        // SAFETY: `time` is a live variable.
        unsafe clock_gettime(CLOCK_BOOTTIME, &time)
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }

    func sleep(for duration: Duration) async {
        // Cancelled: the caller looks for itself.
        try? await Task.sleep(for: duration, clock: .continuous)
    }
}
