import Vault

/// What is wrong with the disk, from now on.
struct DiskFaults {
    /// The next commits: how each fails.
    var next: [CommitFault] = []
    /// Whatever fills the disk up takes what was given up of the reserve, too.
    var isFull = false {
        didSet { if isFull, !oldValue { givenUp = 0 } }
    }
    /// For how many commits the reserve has room, and how many of them it gave up.
    var kept = 0
    var givenUp = 0
    /// So many commits failed, full disks apart.
    var failed = 0

    /// Few, so that runs see its end.
    static let reserveCommits = 3

    /// Whether a commit of work under way still fits.
    var hasReserve: Bool { kept + givenUp > 0 }

    /// False where it is not given up, or used up.
    mutating func takeFromReserve() -> Bool {
        guard givenUp > 0 else { return false }
        givenUp -= 1
        return true
    }

    /// Nothing fails any more.
    mutating func end() {
        next = []
        isFull = false
    }

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
            world.tear(.commit(changes), of: inner) { try $0.commit(changes) }
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
        // It takes as much room as all records do: the reserve is not made for that.
        if world.diskFaults.isFull { throw .diskFull }
        let fault: DiskFaults.CommitFault?
        do { fault = try begin() } catch { throw VaultError(error) }
        guard fault != .torn else {
            world.tear(.rewrite(before: try records()), of: inner) { try $0.rewrite(becoming, last: last) }
            throw VaultError(Self.gone)
        }
        try inner.rewrite(becoming, last: last)
        world.oracle.rewritten(in: inner)
        do { try end(fault) } catch { throw VaultError(error) }
    }

    private func records() throws(VaultError) -> [EngineRecord] {
        do { return try inner.range([], after: nil, order: .ascending, limit: .max) } catch { throw VaultError(error) }
    }

    /// What is to go wrong with the commit that begins; throws where it does not get that far.
    private func begin() throws(EngineError) -> DiskFaults.CommitFault? {
        guard world.survives(.beforeCommit) else { throw Self.gone }
        if world.diskFaults.isFull, !world.diskFaults.takeFromReserve() { throw .diskFull }
        let fault = world.diskFaults.next.isEmpty ? nil : world.diskFaults.next.removeFirst()
        if fault != nil { world.diskFaults.failed += 1 }
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

    /// The world's own over real files too: it has no disk of a size.
    var reserve: (any Reserve)? { SimulatedReserve(in: world) }

    func close() {
        inner.close()
    }

    private func requireLife() throws(EngineError) {
        if world.isCrashed { throw Self.gone }
    }

    private static let gone = EngineError.failed("the process is gone")
}

private final class SimulatedReserve: Reserve, @unchecked Sendable {
    // SAFETY: used from the scheduler's thread alone.
    private unowned let world: World

    init(in world: World) { self.world = world }

    func keep() throws(EngineError) {
        guard !world.isCrashed else { return }
        if world.diskFaults.isFull { throw .diskFull }
        world.diskFaults.kept = DiskFaults.reserveCommits
        world.diskFaults.givenUp = 0
    }

    func release() -> Bool {
        guard !world.isCrashed, world.diskFaults.kept > 0 else { return false }
        world.trace("a piece of the reserve is given up")
        world.diskFaults.kept -= 1
        world.diskFaults.givenUp += 1
        return true
    }
}
