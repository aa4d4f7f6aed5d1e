package import Access
package import Model
import Rotations
import Vault

/// A config as it is shown: the stored facts, its ended versions, and what they come to at this moment.
package struct ConfigSnapshot: Sendable {
    package let record: ConfigRecord
    package let revision: Int64
    /// Newest first, at most 20.
    package let ended: [VersionRecord]
    package let state: ConfigState
    package let reason: String?
    package let nextStep: String?
    /// Whether a rotation would begin if it is asked to when due. What failed otherwise does not hold it.
    let isDue: Bool
}

extension VaultService {
    package func config(_ name: ConfigName, as caller: Caller) async throws -> ConfigSnapshot {
        try caller.require(.read, on: .config(name))
        let now = clock.now()
        return try await read { view in try view.snapshot(view.config(name), at: now, overdueAfter: limits.overdueAfter) }
    }

    /// One page in an order of its own; `next` is the cursor for `after`.
    package func configs(
        after: [UInt8]?, limit: Int, filter: ConfigFilter, as caller: Caller
    ) async throws -> (items: [ConfigSnapshot], next: [UInt8]?) {
        let now = clock.now()
        var items: [ConfigSnapshot] = []
        var cursor = after
        while true {
            let (from, count) = (cursor, limit)
            let page = try await read { view in
                try view.list(.config, after: from, limit: count).map { stored in
                    (stored.cursor, try view.snapshot(stored, at: now, overdueAfter: limits.overdueAfter))
                }
            }
            for (itemCursor, snapshot) in page {
                cursor = itemCursor
                guard snapshot.record.removedAt == nil, filter.takes(snapshot),
                    caller.may(.read, on: .config(snapshot.record.name))
                else { continue }
                items.append(snapshot)
                if items.count == limit { return (items, cursor) }
            }
            if page.count < limit { return (items, nil) }
        }
    }

    package enum ConfigFilter: Sendable, Equatable {
        case all
        case due
        case state(ConfigState)

        func takes(_ snapshot: ConfigSnapshot) -> Bool {
            switch self {
            case .all: true
            case .due: snapshot.isDue
            case .state(let state): snapshot.state == state
            }
        }
    }
}

extension RecordReader {
    func snapshot(_ stored: Stored<ConfigRecord>, at now: Timestamp, overdueAfter: Duration) throws -> ConfigSnapshot {
        let record = stored.value
        let (state, reason, nextStep) = try condition(of: record, vaultState().quarantine, at: now, overdueAfter: overdueAfter)
        let ended = try list(.endedVersion, under: record.name.description, order: .descending, limit: Self.endedShown).map(\.value)
        let isDue = [.failed, .overdue, .due].contains(state) && record.isDue(at: now)
        return ConfigSnapshot(
            record: record, revision: stored.revision, ended: ended, state: state, reason: reason, nextStep: nextStep, isDue: isDue)
    }

    /// The first state that applies, with why and what to do.
    func condition(
        of record: ConfigRecord, _ quarantine: Quarantine?, at now: Timestamp, overdueAfter: Duration
    ) throws -> (ConfigState, String?, String?) {
        let rotation = try telling(record)
        let (state, reason, nextStep) = record.condition(rotation, quarantine, at: now, overdueAfter: overdueAfter)
        return (state, reason, try nextStep.map { try withTokenOfNow($0, for: record) })
    }

    /// The rotation that has most to tell of a config: the one under way, or, where it is not well, the last one.
    private func telling(_ record: ConfigRecord) throws -> Rotation? {
        guard let id = record.unfinished ?? (record.isFailed ? record.lastRotation : nil) else { return nil }
        return try get(.rotation, .timed(id))
    }

    /// A token that was given since one was refused has only to be tried.
    func withTokenOfNow(_ nextStep: String, for record: ConfigRecord) throws -> String {
        let upstream = record.binding.upstream
        guard nextStep == NextStep.setToken(upstream), let refused = record.refusedBearer,
            let generation = try get(.upstream, .named(upstream))?.bearerGeneration, generation > refused
        else { return nextStep }
        return record.wayToCheck
    }

    private static var endedShown: Int { 20 }
}

extension ConfigRecord {
    fileprivate func isDue(at now: Timestamp) -> Bool {
        hold == nil && !isPaused(at: now) && dueAt.map { $0 <= now } ?? false
    }

    /// Whether its last rotation did not succeed, of whatever kind, or its current credential does not work.
    fileprivate var isFailed: Bool { hold != nil || failure != nil || isBroken }

    fileprivate func condition(
        _ rotation: Rotation?, _ quarantine: Quarantine?, at now: Timestamp, overdueAfter: Duration
    ) -> (ConfigState, String?, String?) {
        // What is begun in the quarantine itself is a way out of it, as long as it has not ended.
        let begunIn = rotation.flatMap { $0.state.hasEnded ? nil : $0.quarantine }
        let held = quarantine.flatMap { $0.holds(self) && $0.id != begunIn ? $0 : nil }
        if let rotation, held == nil || rotation.state != .stuck, let shown = condition(under: rotation, at: now) { return shown }
        if let held { return (.quarantined, held.reason, held.nextStep(for: name)) }
        if isFailed { return (.failed, whyFailed(rotation), wayFromFailure(rotation, at: now)) }
        if isPaused(at: now) { return (.paused, pause?.reason, NextStep.resume(name)) }
        guard let dueAt, dueAt <= now else { return (.ok, nil, nil) }
        let missing = version(.staged) == nil ? ", and nothing is staged" : ""
        return dueAt + overdueAfter <= now
            ? (.overdue, "It was due at \(dueAt)\(missing).", wayToNextKey)
            : (.due, "It is due since \(dueAt)\(missing).", wayToNextKey)
    }

    private func whyFailed(_ rotation: Rotation?) -> String {
        var sentences: [String] = []
        if let failure {
            sentences.append(rotation?.problem(nextStep: nil)?.detail ?? "The last rotation did not succeed: \(failure).")
        } else if let hold {
            sentences.append("The last rotation did not succeed: \(hold).")
        }
        if isBroken, failure == nil || rotation?.showsBrokenKey != true { sentences.append("Its current key does not work.") }
        if hold != nil { sentences.append("None begins by itself until one is begun by hand or a key is staged.") }
        return sentences.joined(separator: " ")
    }

    private func wayFromFailure(_ rotation: Rotation?, at now: Timestamp) -> String {
        if isPaused(at: now) { return NextStep.resume(name) }
        if let nextStep = rotation?.nextStep(in: self, at: now) { return nextStep }
        return isBroken ? wayFromBrokenKey : hold == nil ? wayToCheck : wayToNextKey
    }

    private func condition(under rotation: Rotation, at now: Timestamp) -> (ConfigState, String?, String?)? {
        let nextStep = rotation.nextStep(in: self, at: now)
        let detail = rotation.problem(nextStep: nextStep)?.detail
        switch rotation.state {
        case .running, .waiting:
            if isPaused(at: now), rotation.machine.isHeldByPause {
                let why = rotation.machine.lastReason.map { ": \($0.what)" } ?? ""
                return (.paused, "The pause holds the rotation \(rotation.id), which has not ended\(why).", nextStep)
            }
            return rotation.state == .running ? (.running, nil, nil) : (.waiting, detail, nextStep)
        case .stuck: return (.stuck, detail, nextStep)
        case .succeeded, .rejected, .failed, .cancelled: return nil
        }
    }
}

extension Rotation {
    /// Whether it ended with a credential in place that it found not to work.
    fileprivate var showsBrokenKey: Bool {
        if case .ended(.failed(_, .stays)) = machine.phase { true } else { false }
    }
}
