package import Secrets

/// The vault as the daemon holds it: sealed, with the reason, or unsealed. All reading and writing goes through here, one at a time,
/// on a thread of its own, since engines block.
package actor VaultStore {
    private enum Door {
        case sealed(VaultError)
        case open(OpenVault, nextSeq: Int64)
    }

    private var door = Door.sealed(.sealed)
    private var waiting: [Job] = []
    private var room = Room.enough
    private let audience: any AuditAudience
    private nonisolated let thread: any SerialExecutor

    package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// One writer's transaction: runs in a batch, hears of the batch's end.
    private struct Job {
        let work: Work
        let run: (inout Batch) -> ((Result<Void, VaultError>) -> Void)?
        let refuse: (VaultError) -> Void
    }

    /// Whether the disk takes new commits.
    package enum Room: Sendable {
        case enough
        /// The reserve was given up: only what began before is still written.
        case full
    }

    /// What a writer is about: it decides who may use the last room on a full disk.
    package enum Work: Sendable {
        /// A request, after which nothing has gone out yet.
        case new
        /// What came of something that is under way, or the record of it.
        case begun
    }

    /// So many transactions share a commit at the most: bounds memory and what a failure takes along.
    private static let batchMax = 128

    /// `thread` is where all of its work runs, one piece at a time.
    package init(audience: any AuditAudience, on thread: any SerialExecutor = VaultThread()) {
        self.audience = audience
        self.thread = thread
    }

    // MARK: The door

    /// Why it is sealed; `nil` when it isn't.
    package var sealedBecause: VaultError? {
        switch door {
        case .sealed(let why): why
        case .open: nil
        }
    }

    /// Opens it by `opening`, which may block. On failure it stays sealed with the new reason.
    package func unseal(_ opening: @Sendable () throws(VaultError) -> OpenVault) throws(VaultError) {
        guard case .sealed = door else { return }
        do {
            let vault = try opening()
            door = .open(vault, nextSeq: try Self.lastSeq(in: vault) + 1)
            keepReserve(of: vault)
        } catch {
            door = .sealed(error)
            throw error
        }
    }

    /// Forgets the keys and closes the engine. What waits to be written is refused.
    package func seal(because why: VaultError = .sealed) {
        guard case .open(let vault, _) = door else { return }
        door = .sealed(why)
        vault.engine.close()
    }

    func openVault() throws(VaultError) -> OpenVault {
        switch door {
        case .open(let vault, _): vault
        case .sealed(let why): throw why
        }
    }

    // MARK: Reading and writing

    package func read<Outcome: Sendable>(_ body: @Sendable (VaultView) throws -> Outcome) throws -> Outcome {
        switch door {
        case .open(let vault, _): try vault.withKeys { try body(VaultView(vault: vault)) }
        case .sealed(let why): throw why
        }
    }

    /// For what can't be copied.
    package func readSecret(_ body: @Sendable (VaultView) throws -> Secret?) throws -> Secret? {
        switch door {
        case .open(let vault, _): try body(VaultView(vault: vault))
        case .sealed(let why): throw why
        }
    }

    /// Runs `body` with nothing between its reads and its writes, and returns when all is durable. A throw leaves nothing behind.
    /// For work that has begun, `body` may run twice: the second time when only such work still fits on the disk.
    package func write<Outcome: Sendable>(
        _ work: Work = .new, _ body: @escaping @Sendable (inout Transaction) throws -> Change<Outcome>
    ) async throws -> Outcome {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Outcome, any Error>) in
            let run = { (batch: inout Batch) -> ((Result<Void, VaultError>) -> Void)? in
                do {
                    var transaction = batch.transaction()
                    switch try body(&transaction) {
                    case .unchanged(let result):
                        precondition(transaction.writes.isEmpty, "a change without an audit entry")
                        // What it saw may be the batch's own, and is true only once that is durable.
                        return { outcome in continuation.resume(with: outcome.map { result }.mapError { $0 }) }
                    case .changed(let result, let event):
                        try batch.add(transaction, event)
                        return { outcome in continuation.resume(with: outcome.map { result }.mapError { $0 }) }
                    }
                } catch {
                    continuation.resume(throwing: error)
                    return nil
                }
            }
            waiting.append(Job(work: work, run: run) { continuation.resume(throwing: $0) })
            // Those who come while this waits for its turn on the thread share the commit.
            if waiting.count == 1 { Task { flush() } }
        }
    }

    private func flush() {
        var jobs = Array(waiting.prefix(Self.batchMax))
        waiting.removeFirst(jobs.count)
        if !waiting.isEmpty { Task { flush() } }
        if case .sealed(let why) = door {
            for job in jobs { job.refuse(why) }
            return
        }
        if lookForRoom() == .full {
            for job in jobs where job.work == .new { job.refuse(.diskFull) }
            jobs.removeAll { $0.work == .new }
        }
        commit(jobs)
    }

    private func commit(_ jobs: [Job]) {
        guard case .open(let vault, let nextSeq) = door else { return }
        var batch = Batch(vault: vault, nextSeq: nextSeq)
        let pending = vault.withKeys { jobs.compactMap { job in job.run(&batch).map { (job: job, done: $0) } } }
        guard !pending.isEmpty else { return }
        do throws(VaultError) {
            try batch.commit()
            door = .open(vault, nextSeq: nextSeq + Int64(batch.entries.count))
            for entry in batch.entries { audience.recorded(entry) }
            for (_, done) in pending { done(.success(())) }
        } catch {
            // A commit that failed may have reached the disk all the same: the log says where it goes on.
            if let last = try? Self.lastSeq(in: vault) { door = .open(vault, nextSeq: last + 1) }
            guard error == .diskFull, room == .enough else {
                for (_, done) in pending { done(.failure(error)) }
                return
            }
            changeRoom(to: .full)
            vault.engine.reserve?.release()
            for (job, done) in pending where job.work == .new { done(.failure(error)) }
            commit(pending.map(\.job).filter { $0.work == .begun })
        }
    }

    // MARK: Room on the disk

    /// Looks whether a disk that was full has room again.
    @discardableResult
    package func lookForRoom() -> Room {
        if room == .full, case .open(let vault, _) = door { keepReserve(of: vault) }
        return room
    }

    private func keepReserve(of vault: OpenVault) {
        do throws(EngineError) {
            try vault.engine.reserve?.keep()
            changeRoom(to: .enough)
        } catch {
            // A reserve that can't be made for another reason is missed only on a full disk.
            changeRoom(to: error == .diskFull ? .full : .enough)
        }
    }

    private func changeRoom(to now: Room) {
        guard room != now else { return }
        room = now
        audience.roomChanged(to: now)
    }

    private static func lastSeq(in vault: OpenVault) throws(VaultError) -> Int64 {
        try VaultView(vault: vault).list(.audit, order: .descending, limit: 1).first?.value.seq ?? 0
    }

    /// Lets go of what only saves time.
    package func forgetDecoded() {
        guard case .open(let vault, _) = door else { return }
        vault.decoded.forgetAll()
    }
}
