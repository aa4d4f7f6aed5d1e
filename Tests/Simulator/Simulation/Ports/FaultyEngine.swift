import Vault

/// What is wrong with the disk, from now on.
struct DiskFaults {
    /// The next commits: how each fails.
    var next: [CommitFault] = []
    var isFull = false

    enum CommitFault: String, CaseIterable {
        /// It fails, and nothing of it is there.
        case lost
        /// It is reported as failed, and is there all the same.
        case applied
        /// The disk is full for this once.
        case full
        /// The power goes while it is written: some of its bytes are there.
        case torn
    }
}

/// The engine of one life of the daemon: fails when told to, stops at the crash points, and shows the oracle what became durable.
final class FaultyEngine: Engine, @unchecked Sendable {
    // SAFETY: used from the scheduler's thread alone.
    private let inner: any Engine
    private unowned let world: World

    init(_ inner: any Engine, in world: World) {
        self.inner = inner
        self.world = world
    }

    func get(_ key: [UInt8]) throws(EngineError) -> EngineRecord? {
        try requireLife()
        return try inner.get(key)
    }

    func range(_ prefix: [UInt8], after: [UInt8]?, order: RangeOrder, limit: Int) throws(EngineError) -> [EngineRecord] {
        try requireLife()
        return try inner.range(prefix, after: after, order: order, limit: limit)
    }

    func commit(_ changes: [EngineChange]) throws(EngineError) {
        let fault = try begin()
        guard fault != .torn else {
            world.tear(changes, of: inner)
            throw Self.gone
        }
        do { try inner.commit(changes) } catch {
            world.oracle.broken(.alive, "the store found a conflict or failed without being told to: \(error)")
            throw error
        }
        world.oracle.durable(changes, in: inner)
        try end(fault)
    }

    func rewrite(
        _ becoming: (EngineRecord) throws(VaultError) -> EngineChange.Content?, last: () throws(VaultError) -> [EngineChange]
    ) throws(VaultError) {
        let fault: DiskFaults.CommitFault?
        do { fault = try begin() } catch { throw VaultError(error) }
        try inner.rewrite(becoming, last: last)
        world.oracle.rewritten(in: inner)
        do { try end(fault) } catch { throw VaultError(error) }
    }

    /// What is to go wrong with the commit that begins; throws where it does not get that far.
    private func begin() throws(EngineError) -> DiskFaults.CommitFault? {
        guard world.survives(.beforeCommit) else { throw Self.gone }
        if world.diskFaults.isFull { throw .diskFull }
        let fault = world.diskFaults.next.isEmpty ? nil : world.diskFaults.next.removeFirst()
        switch fault {
        case .lost: throw .failed("the disk failed")
        case .full: throw .diskFull
        case .applied, .torn, nil: return fault
        }
    }

    /// What the caller hears of a commit that is there.
    private func end(_ fault: DiskFaults.CommitFault?) throws(EngineError) {
        if fault == .applied { throw .failed("the disk said that it failed") }
        guard world.survives(.afterCommit) else { throw Self.gone }
    }

    func keepCopy(named name: String) throws(EngineError) {
        try requireLife()
        try inner.keepCopy(named: name)
    }

    func forgetReplaced() throws(EngineError) {
        try requireLife()
        try inner.forgetReplaced()
    }

    func snapshot() throws(EngineError) -> any EngineSnapshot {
        try requireLife()
        return try inner.snapshot()
    }

    var reserve: (any Reserve)? { inner.reserve }

    func close() {
        inner.close()
    }

    private func requireLife() throws(EngineError) {
        if world.isCrashed { throw Self.gone }
    }

    private static let gone = EngineError.failed("the process is gone")
}
