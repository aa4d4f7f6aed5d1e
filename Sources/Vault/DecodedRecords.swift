import Synchronization

/// Values of records that were opened or written lately, so that a rotation does not decode the same record five times. Holds no secret.
/// What the engine returns decides: a value counts only for the very revision that it was decoded from.
package final class DecodedRecords: Sendable {
    private struct Entry {
        let revision: Int64
        let value: any Sendable
    }

    private let entries = Mutex<[[UInt8]: Entry]>([:])

    /// A thousand rotations at once use two records each.
    private static let max = 2048

    func value<Value>(of key: [UInt8], revision: Int64, as type: Value.Type) -> Value? {
        entries.withLock { entries in
            guard let entry = entries[key], entry.revision == revision else { return nil }
            return entry.value as? Value
        }
    }

    func remember(_ value: any Sendable, of key: [UInt8], revision: Int64) {
        entries.withLock { entries in
            if entries.count >= Self.max { entries.removeAll() }
            entries[key] = Entry(revision: revision, value: value)
        }
    }

    func forget(_ key: [UInt8]) {
        entries.withLock { $0[key] = nil }
    }

    func forgetAll() {
        entries.withLock { $0 = [:] }
    }
}
