package import Model

/// Time as the rotation sees it: wall time for what is stored, monotonic time for deadlines.
package protocol RotationClock: Sendable {
    func now() -> Timestamp
    /// Monotonic, from any fixed point; goes on while the machine sleeps.
    func uptime() -> Duration
    /// Returns after `duration`, or at once when the task is cancelled.
    func sleep(for duration: Duration) async
}
