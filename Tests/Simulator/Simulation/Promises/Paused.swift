import Model
import Operations
import Rotations

/// A pause lets the first PUT of a rotation go that had begun, and what finishes one that went through; it holds each further try.
extension Oracle {
    /// A PUT that was let go just before a pause may take so long to leave.
    private static let onItsWay = Duration.seconds(120)

    func notePause(of after: ConfigRecord, _ before: ConfigRecord?) {
        let since = books[after.name]?.pausedSince
        books[after.name, default: Books()].pausedSince =
            after.pause == nil ? nil : after.pause == before?.pause ? since ?? world.time.uptime() : world.time.uptime()
    }

    func requireNotPaused(_ record: ConfigRecord, _ rotation: Rotation, _ which: CredentialsInPlay.Which?) {
        guard which != .standing, rotation.machine.attempts > 1 || rested.contains(rotation.id) else { return }
        let uptime = world.time.uptime()
        guard record.isPaused(at: world.time.now()), let since = books[record.name]?.pausedSince, uptime - since > Self.onItsWay else {
            return
        }
        // With the wall clock, the end of a pause may jump away again.
        guard world.jump.map({ uptime - $0.uptime > Self.onItsWay }) ?? true else { return }
        broken(.paused, "'\(record.name)' is put to again, and has been paused for \(uptime - since)")
    }
}
