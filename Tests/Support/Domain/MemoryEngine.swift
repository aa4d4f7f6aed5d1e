import Glibc
import Synchronization
package import Vault

/// An engine in memory, with failures to order. Its content survives `close`, as a disk's does.
package final class MemoryEngine: Engine {
    private struct State {
        var records: [[UInt8]: EngineRecord] = [:]
        /// Their keys, in order.
        var keys: [[UInt8]] = []
        var failures: [EngineError] = []
        var commits = 0

        mutating func set(_ key: [UInt8], to record: EngineRecord?) {
            let before = records.updateValue(record, orRemoving: key)
            switch (before, record) {
            case (nil, .some): keys.insert(key, at: place(of: key))
            case (.some, nil): keys.remove(at: place(of: key))
            case (nil, nil), (.some, .some): break
            }
        }

        /// Of the first key that is not before this one.
        func place(of key: [UInt8]) -> Int {
            var (low, high) = (0, keys.count)
            while low < high {
                let middle = (low + high) / 2
                if isOrdered(keys[middle], before: key) { low = middle + 1 } else { high = middle }
            }
            return low
        }
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
        state.withLock { $0.set(key, to: record) }
    }

    package func get(_ key: [UInt8]) throws(EngineError) -> EngineRecord? {
        state.withLock { $0.records[key] }
    }

    package func range(_ prefix: [UInt8], after: [UInt8]?, order: RangeOrder, limit: Int) throws(EngineError) -> [EngineRecord] {
        state.withLock { state in
            var end = prefix
            while end.last == 0xFF { end.removeLast() }
            if let last = end.popLast() { end.append(last + 1) }
            let (first, last) = (state.place(of: prefix), state.place(of: end))
            let keys =
                switch (order, after) {
                case (.ascending, nil): state.keys[first..<last].prefix(limit)
                case (.ascending, let after?): state.keys[min(max(first, state.place(of: after + [0])), last)..<last].prefix(limit)
                case (.descending, nil): state.keys[first..<last].suffix(limit)
                case (.descending, let after?): state.keys[first..<max(first, min(last, state.place(of: after)))].suffix(limit)
                }
            let records = keys.compactMap { state.records[$0] }
            return order == .ascending ? records : records.reversed()
        }
    }

    package func commit(_ changes: [EngineChange]) throws(EngineError) {
        let outcome = state.withLock { state -> EngineError? in
            if !state.failures.isEmpty { return state.failures.removeFirst() }
            for change in changes where (state.records[change.key]?.revision ?? 0) != change.expecting { return .conflict }
            for change in changes {
                state.set(change.key, to: change.becomes.map { EngineRecord(key: change.key, revision: $0.revision, value: $0.value) })
            }
            state.commits += 1
            return nil
        }
        if let outcome { throw outcome }
    }

    package func close() {}
}

/// As the bytes are, which `memcmp` compares at once.
private func isOrdered(_ one: [UInt8], before other: [UInt8]) -> Bool {
    let shared = min(one.count, other.count)
    let order = one.withUnsafeBytes { one in
        other.withUnsafeBytes { other in shared == 0 ? 0 : memcmp(one.baseAddress!, other.baseAddress!, shared) }
    }
    return order == 0 ? one.count < other.count : order < 0
}

extension Dictionary {
    fileprivate mutating func updateValue(_ value: Value?, orRemoving key: Key) -> Value? {
        value.map { updateValue($0, forKey: key) } ?? removeValue(forKey: key)
    }
}
