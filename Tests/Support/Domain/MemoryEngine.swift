import Synchronization
package import Vault

/// An engine in memory, with failures to order. Its content survives `close`, as a disk's does.
package final class MemoryEngine: Engine {
    private struct State {
        var records: [[UInt8]: EngineRecord] = [:]
        var failures: [EngineError] = []
        var commits = 0
        var copies: [String: [EngineRecord]] = [:]
        var forgettings = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// The next commits fail like this, in this order.
    package func failNextCommits(with errors: [EngineError]) {
        state.withLock { $0.failures = errors }
    }

    package var commits: Int { state.withLock(\.commits) }

    /// All that is stored, as somebody with the disk would see it.
    package var records: [EngineRecord] { state.withLock { Array($0.records.values) } }

    package func replace(_ key: [UInt8], with record: EngineRecord?) {
        state.withLock { $0.records[key] = record }
    }

    package func get(_ key: [UInt8]) throws(EngineError) -> EngineRecord? {
        state.withLock { $0.records[key] }
    }

    package func range(_ prefix: [UInt8], after: [UInt8]?, order: RangeOrder, limit: Int) throws(EngineError) -> [EngineRecord] {
        let matching = state.withLock { state in
            state.records.values.filter { record in
                guard record.key.starts(with: prefix) else { return false }
                guard let after else { return true }
                return order == .ascending ? after.lexicographicallyPrecedes(record.key) : record.key.lexicographicallyPrecedes(after)
            }
        }
        let sorted = matching.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        return Array((order == .ascending ? sorted : sorted.reversed()).prefix(limit))
    }

    package func commit(_ changes: [EngineChange]) throws(EngineError) {
        let outcome = state.withLock { state -> EngineError? in
            if !state.failures.isEmpty { return state.failures.removeFirst() }
            for change in changes where (state.records[change.key]?.revision ?? 0) != change.expecting { return .conflict }
            for change in changes {
                state.records[change.key] = change.becomes.map { EngineRecord(key: change.key, revision: $0.revision, value: $0.value) }
            }
            state.commits += 1
            return nil
        }
        if let outcome { throw outcome }
    }

    package func rewrite(
        _ becoming: (EngineRecord) throws(VaultError) -> EngineChange.Content?, last: () throws(VaultError) -> [EngineChange]
    ) throws(VaultError) {
        var changes: [EngineChange] = []
        for record in records.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            let content = try becoming(record)
            if content == EngineChange.Content(revision: record.revision, value: record.value) { continue }
            changes.append(EngineChange(key: record.key, expecting: record.revision, becomes: content))
        }
        changes += try last()
        do { try commit(changes) } catch { throw VaultError(error) }
    }

    package func keepCopy(named name: String) throws(EngineError) {
        state.withLock { $0.copies[name] = Array($0.records.values) }
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
}
