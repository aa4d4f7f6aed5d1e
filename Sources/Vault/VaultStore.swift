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
    private let audience: any AuditAudience
    private nonisolated let thread: any SerialExecutor

    package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// One writer's transaction: runs in a batch, hears of the batch's end.
    private struct Job {
        let run: (inout Batch) -> ((Result<Void, VaultError>) -> Void)?
        let refuse: (VaultError) -> Void
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
    package func write<Outcome: Sendable>(_ body: @escaping @Sendable (inout Transaction) throws -> Change<Outcome>) async throws -> Outcome
    {
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
            waiting.append(Job(run: run) { continuation.resume(throwing: $0) })
            // Those who come while this waits for its turn on the thread share the commit.
            if waiting.count == 1 { Task { flush() } }
        }
    }

    private func flush() {
        let jobs = waiting.prefix(Self.batchMax)
        waiting.removeFirst(jobs.count)
        if !waiting.isEmpty { Task { flush() } }
        let vault: OpenVault
        let nextSeq: Int64
        switch door {
        case .open(let open, let next): (vault, nextSeq) = (open, next)
        case .sealed(let why):
            for job in jobs { job.refuse(why) }
            return
        }
        var batch = Batch(vault: vault, nextSeq: nextSeq)
        let pending = vault.withKeys { jobs.compactMap { $0.run(&batch) } }
        guard !pending.isEmpty else { return }
        do throws(VaultError) {
            try batch.commit()
            door = .open(vault, nextSeq: nextSeq + Int64(batch.entries.count))
            for entry in batch.entries { audience.recorded(entry) }
            for done in pending { done(.success(())) }
        } catch {
            // A commit that failed may have reached the disk all the same: the log says where it goes on.
            if let last = try? Self.lastSeq(in: vault) { door = .open(vault, nextSeq: last + 1) }
            for done in pending { done(.failure(error)) }
        }
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
