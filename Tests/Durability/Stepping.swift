import Model
import Operations
import Rotations

/// What operators were granted who stepped in, against what the vault says and the backend was sent.
struct Stepping {
    /// By rotation: how many PUTs the backend had received when it was answered.
    private var cancelled: [String: Int] = [:]
    /// By version, the same.
    private var discarded: [VersionNumber: Int] = [:]
    private(set) var discardsAsked: Set<VersionNumber> = []
    /// Rotations that were begun under a pause, as long as nobody had set the clock by the time of the answer.
    private var begun: [(rotation: String, end: Operators.PauseEnd?, answered: ContinuousClock.Instant)] = []
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
        /// When it ends by itself, as long as nobody sets the clock.
        let end: Operators.PauseEnd?
        /// From here on by daemons that were started under the pause.
        var restarted: Int?
        var until: Int?

        /// The place of the first PUT that it may have let through.
        func end(in sent: [Sent], _ clockChanges: [ContinuousClock.Instant]) -> Int {
            let asked = until ?? sent.count
            guard let end else { return asked }
            return min(asked, sent[since...].firstIndex { !end.isInForce(at: $0.at, clockChanges) } ?? sent.count)
        }
    }

    mutating func learn(_ memory: Operators.Memory) {
        switch (memory, pause) {
        case (.cancelled(let rotation, let puts), _): cancelled[rotation] = puts
        case (.begunWhilePaused(let rotation, let end, let answered), _): begun.append((rotation, end, answered))
        case (.asksToDiscard(let version), _): discardsAsked.insert(version)
        case (.discarded(let version, let puts), _): discarded[version] = puts
        case (.asksToPause, .off): pause = .open
        // The same again, granted or not.
        case (.asksToPause(_, nil), .on(let span)) where span.end == nil: break
        case (.asksToPause, .open), (.paused, .on): break
        case (.paused(let puts, let end), .off), (.paused(let puts, let end), .open): pause = .on(Span(since: puts, end: end))
        case (.asksToPause(let puts, _), .on(var span)), (.asksToResume(let puts), .on(var span)):
            span.until = puts
            over.append(span)
            pause = .open
        case (.asksToResume, .off), (.asksToResume, .open): break
        case (.resumed, _): pause = .off
        }
    }

    /// After the end of a daemon.
    mutating func check(_ reading: VaultReading, _ sent: [Sent], _ names: KeyNames, _ clockChanges: [ContinuousClock.Instant]) throws {
        for (rotation, count) in cancelled { try check(rotation, cancelledAfter: count, reading, sent, names) }
        for (version, count) in discarded { try check(version, discardedAfter: count, reading, sent, names) }
        for (rotation, end, answered) in begun {
            guard end.map({ $0.isInForce(at: answered, clockChanges) }) ?? true else { continue }
            throw Ledger.Broken(description: "rotation \(rotation) was begun while it was paused")
        }
        begun = []
        for span in over { try check(span, reading, sent, names, clockChanges) }
        over = []
        switch pause {
        case .off:
            guard reading.config?.pause == nil else { throw Ledger.Broken(description: "it was resumed, and is paused") }
        case .on(var span):
            guard let pause = reading.config?.pause else { throw Ledger.Broken(description: "it was paused, and is not") }
            guard pause.until?.description == span.end?.text else {
                throw Ledger.Broken(
                    description:
                        "it was paused until \(span.end?.text ?? "it is resumed"), and is until \(pause.until?.description ?? "then")")
            }
            try check(span, reading, sent, names, clockChanges)
            span.restarted = span.restarted ?? sent.count
            self.pause = .on(span)
        case .open: break
        }
    }

    /// Cancelled is cancelled, and sends nothing any more.
    private func check(_ id: String, cancelledAfter count: Int, _ reading: VaultReading, _ sent: [Sent], _ names: KeyNames) throws {
        guard let rotation = reading.rotation(id), let version = rotation.version, rotation.state == .cancelled else {
            throw Ledger.Broken(description: "rotation \(id) was cancelled, and is \(reading.rotation(id).map { "\($0.state)" } ?? "gone")")
        }
        guard let later = sent[count...].first(where: { names[$0.key]?.contains(version) == true }) else { return }
        guard let versions = names[later.key], !reading.wasWantedAgain(versions, after: rotation) else { return }
        // Where it is a rollback's, its key may still be the one that another rotation puts back.
        guard rotation.rollbackOf == nil || !reading.wasPutBack(versions) else { return }
        throw Ledger.Broken(description: "version \(version) was sent after its rotation \(id) was cancelled")
    }

    /// Discarded is gone, and never sent again.
    private func check(
        _ version: VersionNumber, discardedAfter count: Int, _ reading: VaultReading, _ sent: [Sent], _ names: KeyNames
    ) throws {
        guard !reading.isKept(version), reading.keys[version] == nil else {
            throw Ledger.Broken(description: "version \(version) was discarded, and is there")
        }
        guard !sent[count...].contains(where: { names[$0.key]?.contains(version) == true }) else {
            throw Ledger.Broken(description: "version \(version) was sent after it was discarded")
        }
    }

    /// A pause lets through what was under way, and the first try to put the earlier key back: nothing twice, but for what the backend refused
    /// for its token. A daemon that is started under it resumes nothing but what is on its way back.
    private func check(
        _ span: Span, _ reading: VaultReading, _ sent: [Sent], _ names: KeyNames, _ clockChanges: [ContinuousClock.Instant]
    ) throws {
        let until = max(span.end(in: sent, clockChanges), span.since)
        let welcome = sent[span.since..<until].filter(\.isWelcome).map(\.key)
        guard Set(welcome).count == welcome.count else {
            throw Ledger.Broken(description: "\(welcome) were sent while it was paused")
        }
        let resumed = sent[min(span.restarted ?? until, until)..<until]
        if let put = resumed.first(where: { !reading.wasPutBack(names[$0.key] ?? []) }) {
            throw Ledger.Broken(description: "\(put.key) was sent by a daemon that was started while it was paused")
        }
    }
}

extension Operators.PauseEnd {
    /// For certain: not once the wall clock that it goes by was set.
    fileprivate func isInForce(at instant: ContinuousClock.Instant, _ clockChanges: [ContinuousClock.Instant]) -> Bool {
        instant < at && !clockChanges.contains { $0 > askedAt && $0 <= instant }
    }
}
