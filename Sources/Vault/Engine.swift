/// What holds the records: an ordered map from opaque keys to opaque values with one atomic, conditional commit.
/// Calls may block; the vault makes them from a thread of its own, never two at once.
package protocol Engine: Sendable {
    func get(_ key: [UInt8]) throws(EngineError) -> EngineRecord?

    /// Records whose key begins with `prefix`, in the order of their keys, beyond `after` where it is given; at most `limit`.
    func range(_ prefix: [UInt8], after: [UInt8]?, order: RangeOrder, limit: Int) throws(EngineError) -> [EngineRecord]

    /// All of `changes` or none, durable when it returns. `.conflict` when a record is not at the revision that its change expects.
    func commit(_ changes: [EngineChange]) throws(EngineError)

    /// Ends its use; the last call.
    func close()
}

package struct EngineRecord: Sendable, Equatable {
    package let key: [UInt8]
    package let revision: Int64
    package let value: [UInt8]

    package init(key: [UInt8], revision: Int64, value: [UInt8]) {
        self.key = key
        self.revision = revision
        self.value = value
    }
}

package enum RangeOrder: Sendable {
    case ascending, descending
}

package struct EngineChange: Sendable, Equatable {
    package let key: [UInt8]
    /// The revision that the record must have; 0: it must not exist.
    package let expecting: Int64
    /// What it becomes; `nil` deletes it.
    package let becomes: Content?

    package struct Content: Sendable, Equatable {
        package let revision: Int64
        package let value: [UInt8]

        package init(revision: Int64, value: [UInt8]) {
            self.revision = revision
            self.value = value
        }
    }

    package init(key: [UInt8], expecting: Int64, becomes: Content?) {
        self.key = key
        self.expecting = expecting
        self.becomes = becomes
    }
}

package enum EngineError: Error, Equatable {
    case conflict
    case diskFull
    /// What holds the records is damaged below them. The engine's own words, without any value.
    case damaged(String)
    /// The engine's own words, without any value.
    case failed(String)
}
