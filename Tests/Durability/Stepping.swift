import Model
import Operations
import Rotations

/// What operators were granted who stepped in, against what the vault says and the backend was sent.
struct Stepping {
    /// By rotation: how many PUTs the backend had received when it was answered.
    private var cancelled: [String: Int] = [:]
    private var pause = Pause.off
    private var over: [Span] = []

    private enum Pause {
        case off
        case on(Span)
        /// Somebody asked for it, or for its end, and got no answer.
        case open
    }

    /// The PUTs that came while a pause was in force for certain, by their places in what the backend received.
    private struct Span {
        let since: Int
        /// From here on by daemons that were started under the pause.
        var restarted: Int?
        var until: Int?
    }

    mutating func learn(_ memory: Operators.Memory) {
        switch (memory, pause) {
        case (.cancelled(let rotation, let puts), _): cancelled[rotation] = puts
        case (.asksToPause, .off): pause = .open
        case (.asksToPause, .on), (.asksToPause, .open), (.paused, .on): break
        case (.paused(let puts), .off), (.paused(let puts), .open): pause = .on(Span(since: puts))
        case (.asksToResume(let puts), .on(var span)):
            span.until = puts
            over.append(span)
            pause = .open
        case (.asksToResume, .off), (.asksToResume, .open): break
        case (.resumed, _): pause = .off
        }
    }

    /// After the end of a daemon. `puts`: the versions that the backend was sent, in order.
    mutating func check(_ reading: VaultReading, puts: [VersionNumber]) throws {
        for (rotation, count) in cancelled { try check(rotation, cancelledAfter: count, reading, puts) }
        for span in over { try check(span, reading, puts) }
        over = []
        switch pause {
        case .off:
            guard reading.config?.pause == nil else { throw Ledger.Broken(description: "it was resumed, and is paused") }
        case .on(var span):
            guard reading.config?.pause != nil else { throw Ledger.Broken(description: "it was paused, and is not") }
            try check(span, reading, puts)
            span.restarted = span.restarted ?? puts.count
            pause = .on(span)
        case .open: break
        }
    }

    /// Cancelled is cancelled, and sends nothing any more.
    private func check(_ id: String, cancelledAfter count: Int, _ reading: VaultReading, _ puts: [VersionNumber]) throws {
        guard let rotation = reading.rotation(id), let version = rotation.version, rotation.state == .cancelled else {
            throw Ledger.Broken(description: "rotation \(id) was cancelled, and is \(reading.rotation(id).map { "\($0.state)" } ?? "gone")")
        }
        guard !puts[count...].contains(version) || reading.wasWantedAgain(after: rotation) else {
            throw Ledger.Broken(description: "version \(version) was sent after its rotation \(id) was cancelled")
        }
    }

    /// A pause lets through what was under way, and the first try to put the earlier key back: nothing twice. A daemon that is started under
    /// it resumes nothing but what is on its way back.
    private func check(_ span: Span, _ reading: VaultReading, _ puts: [VersionNumber]) throws {
        let until = span.until ?? puts.count
        let sent = puts[span.since..<until]
        guard Set(sent).count == sent.count else {
            throw Ledger.Broken(description: "versions \(Array(sent)) were sent while it was paused")
        }
        let resumed = puts[min(span.restarted ?? until, until)..<until]
        if let number = resumed.first(where: { !reading.wasPutBack($0) }) {
            throw Ledger.Broken(description: "version \(number) was sent by a daemon that was started while it was paused")
        }
    }
}
