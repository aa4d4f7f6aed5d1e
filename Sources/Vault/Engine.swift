/// What holds the records: an ordered map from opaque keys to opaque values with one atomic, conditional commit.
/// Calls may block; the vault makes them from a thread of its own, never two at once.
package protocol Engine: Sendable {
    func get(_ key: [UInt8]) throws(EngineError) -> EngineRecord?

    /// Records whose key begins with `prefix`, in the order of their keys, beyond `after` where it is given; at most `limit`.
    func range(_ prefix: [UInt8], after: [UInt8]?, order: RangeOrder, limit: Int) throws(EngineError) -> [EngineRecord]

    /// All of `changes` or none, durable when it returns. `.conflict` when a record is not at the revision that its change expects.
    func commit(_ changes: [EngineChange]) throws(EngineError)

    /// All records as the last commit left them. May be used from another thread while commits go on, and is closed by who asked for it.
    func snapshot() throws(EngineError) -> any EngineSnapshot

    /// `nil` where there is no disk of its own that could fill up.
    var reserve: (any Reserve)? { get }

    /// Gives every record the content that `becoming` returns for it (`nil` deletes it), then makes the changes that `last` returns, all in one
    /// commit: all or nothing, durable when it returns. Holds a page of records in memory, whatever their number; on the disk it takes as much
    /// again as the records do. Neither closure may call the engine. A throw of theirs leaves everything as it was.
    func rewrite(
        _ becoming: (EngineRecord) throws(VaultError) -> EngineChange.Content?, last: () throws(VaultError) -> [EngineChange]
    ) throws(VaultError)

    /// Keeps a whole, durable copy of all records as they are, under a name of its own beside them, in place of one of the same name.
    func keepCopy(named name: String) throws(EngineError)

    /// Leaves nothing of deleted and replaced records anywhere beside the live ones: no journal, no copy that `keepCopy` made.
    func forgetReplaced() throws(EngineError)

    /// Looks at all that it finds the records by; `.damaged` where a later write could destroy what can still be read.
    func requireSound() throws(EngineError)

    /// Ends its use; the last call.
    func close()
}

extension Engine {
    /// One with nothing of its own below the records has nothing to look at.
    package func requireSound() throws(EngineError) {}
}

/// One state of an engine, for as long as somebody reads it.
package protocol EngineSnapshot: Sendable {
    /// Records in the order of their keys, beyond `after` where it is given; at most `limit`.
    func page(after: [UInt8]?, limit: Int) throws(EngineError) -> [EngineRecord]

    /// Ends its use; the last call.
    func close()
}

/// Room on the engine's disk that is kept back, so that what is under way can still be written when the disk is full.
package protocol Reserve: Sendable {
    /// Keeps all of it back. `.diskFull` where there isn't as much room again beside it: it would be needed at once.
    func keep() throws(EngineError)

    /// Gives up a piece, for one commit: whoever else fills the disk can't take the rest. False when nothing is left of it.
    func release() -> Bool
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
