import Synchronization
package import Vault

/// An engine in memory, with failures to order. Its content survives `close`, as a disk's does.
package final class MemoryEngine: Engine {
    private struct State {
        var records = OrderedRecords()
        var failures: [EngineError] = []
        var losesAnswer = false
        var hidesNextCommit = false
        /// What a commit left that nobody sees until there is a crash.
        var hidden: OrderedRecords?
        var commits = 0
        /// How many commits still fit on the disk; `nil`: as many as there are.
        var room: Int?
        /// How many commits the reserve still has room for.
        var kept = 0
        var copies: [String: [EngineRecord]] = [:]
        var forgettings = 0
        var openSnapshots = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// The next commits fail like this, in this order.
    package func failNextCommits(with errors: [EngineError]) {
        state.withLock { $0.failures = errors }
    }

    /// From now on the disk takes so many commits and no more, besides those that the reserve makes room for.
    package func fillUp(after commits: Int = 0) {
        state.withLock { $0.room = commits }
    }

    /// The disk has room again.
    package func makeRoom() {
        state.withLock { $0.room = nil }
    }

    /// The next commit is done and says that it failed, as one that was cut off.
    package func loseNextAnswer() {
        state.withLock { $0.losesAnswer = true }
    }

    /// The next commit says that it failed and is not seen, but is there after a crash, as long as no other has come over it.
    package func hideNextCommit() {
        state.withLock { $0.hidesNextCommit = true }
    }

    /// As after the power has gone.
    package func crash() {
        state.withLock { state in
            state.records = state.hidden ?? state.records
            state.hidden = nil
        }
    }

    package var commits: Int { state.withLock(\.commits) }

    /// All that is stored, as somebody with the disk would see it.
    package var records: [EngineRecord] {
        get { state.withLock(\.records.all) }
        set { state.withLock { $0.records = OrderedRecords(newValue) } }
    }

    package func replace(_ key: [UInt8], with record: EngineRecord?) {
        state.withLock { $0.records[key] = record }
    }

    package func get(_ key: [UInt8]) throws(EngineError) -> EngineRecord? {
        state.withLock { $0.records[key] }
    }

    package func range(_ prefix: [UInt8], after: [UInt8]?, order: RangeOrder, limit: Int) throws(EngineError) -> [EngineRecord] {
        state.withLock { $0.records.range(prefix, after: after, order: order, limit: limit) }
    }

    package func commit(_ changes: [EngineChange]) throws(EngineError) {
        let outcome = state.withLock { state -> EngineError? in
            if !state.failures.isEmpty { return state.failures.removeFirst() }
            if let room = state.room {
                guard room > 0 else { return .diskFull }
                state.room = room - 1
            }
            for change in changes where (state.records[change.key]?.revision ?? 0) != change.expecting { return .conflict }
            let before = state.hidesNextCommit ? state.records : nil
            for change in changes {
                state.records[change.key] = change.becomes.map { EngineRecord(key: change.key, revision: $0.revision, value: $0.value) }
            }
            if let before {
                (state.hidden, state.records, state.hidesNextCommit) = (state.records, before, false)
                return .failed("it could not be synced")
            }
            state.hidden = nil
            state.commits += 1
            guard state.losesAnswer else { return nil }
            state.losesAnswer = false
            return .failed("the answer was lost")
        }
        if let outcome { throw outcome }
    }

    package func snapshot() throws(EngineError) -> any EngineSnapshot {
        let records = state.withLock { state in
            state.openSnapshots += 1
            return state.records.all
        }
        return MemorySnapshot(records: records) { self.state.withLock { $0.openSnapshots -= 1 } }
    }

    /// Those that are not closed yet: while there is one, what was replaced stays on the disk.
    package var openSnapshots: Int { state.withLock(\.openSnapshots) }

    package var reserve: (any Reserve)? { MemoryReserve(engine: self) }

    package func rewrite(
        _ becoming: (EngineRecord) throws(VaultError) -> EngineChange.Content?, last: () throws(VaultError) -> [EngineChange]
    ) throws(VaultError) {
        var changes: [EngineChange] = []
        for record in records {
            let content = try becoming(record)
            if content == EngineChange.Content(revision: record.revision, value: record.value) { continue }
            changes.append(EngineChange(key: record.key, expecting: record.revision, becomes: content))
        }
        changes += try last()
        do { try commit(changes) } catch { throw VaultError(error) }
    }

    package func keepCopy(named name: String) throws(EngineError) {
        state.withLock { $0.copies[name] = $0.records.all }
    }

    package func forgetReplaced() throws(EngineError) {
        state.withLock { state in
            state.copies = [:]
            state.forgettings += 1
        }
    }

    /// What `keepCopy` kept.
    package var copies: [String: [EngineRecord]] { state.withLock(\.copies) }

    /// How often nothing was to be left of what was deleted.
    package var forgettings: Int { state.withLock(\.forgettings) }

    package func close() {}

    /// How many commits fit into the reserve.
    package static let reserveCommits = 4

    private struct MemoryReserve: Reserve {
        let engine: MemoryEngine

        func keep() throws(EngineError) {
            let hasRoom = engine.state.withLock { state -> Bool in
                guard state.room == nil else { return false }
                state.kept = MemoryEngine.reserveCommits
                return true
            }
            if !hasRoom { throw .diskFull }
        }

        func release() -> Bool {
            engine.state.withLock { state in
                guard state.kept > 0 else { return false }
                state.kept -= 1
                state.room = state.room.map { $0 + 1 }
                return true
            }
        }
    }
}

private struct MemorySnapshot: EngineSnapshot {
    private let records: [EngineRecord]

    private let closed: @Sendable () -> Void

    init(records: [EngineRecord], closed: @escaping @Sendable () -> Void) {
        self.closed = closed
        self.records = records.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    }

    func page(after: [UInt8]?, limit: Int) throws(EngineError) -> [EngineRecord] {
        Array(records.drop { after?.lexicographicallyPrecedes($0.key) == false }.prefix(limit))
    }

    func close() { closed() }
}
