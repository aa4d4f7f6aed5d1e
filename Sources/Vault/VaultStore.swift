package import Secrets

/// The vault as the daemon holds it: sealed, with the reason, or unsealed. All reading and writing goes through here, one at a time,
/// on a thread of its own, since engines block.
package actor VaultStore {
    enum Door {
        case sealed(VaultError)
        case open(Opened)
    }

    /// An open vault, and where it stands.
    struct Opened {
        let vault: OpenVault
        /// The audit log's last entry.
        var last: AuditMark
        var counter: Int64
        /// The counter that the mirror has for certain.
        var mirrored: Int64 = 0
        /// Until all records were looked at, nothing is written.
        var check: Check
        /// What the vault may be after a crash, since a new root key that could not be committed may be on the disk all the same. Until another
        /// commit comes over it there, the mirror is one that it vouches for, too.
        var perhaps: [OpenVault] = []

        enum Check {
            case due(Finding, Admission)
            case done
        }
    }

    var door = Door.sealed(.sealed)
    private var waiting: [Job] = []
    private var checking: Task<Void, Never>?
    /// Something was to leave no trace, and may have left one.
    private var owesForgetting = false
    var room = Room.enough
    let audience: any AuditAudience
    let mirror: (any CounterMirror)?
    /// Tells that something was committed which the mirror does not have yet. For one listener.
    package nonisolated let unmirrored: AsyncStream<Void>
    private nonisolated let unmirroredTelling: AsyncStream<Void>.Continuation
    /// Tells that it was sealed or unsealed, or that its quarantine began or ended. For one listener.
    package nonisolated let turned: AsyncStream<Void>
    private nonisolated let turnedTelling: AsyncStream<Void>.Continuation
    /// Of all kinds of records, by tag, for errors.
    let kindNames: [UInt8: String]
    private nonisolated let thread: any SerialExecutor & TaskExecutor

    package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// One writer's transaction: runs in a batch, hears of the batch's end.
    private struct Job {
        let work: Work
        let run: (inout Batch) -> ((Result<Void, VaultError>) -> Void)?
        let refuse: (VaultError) -> Void
    }

    /// So many transactions share a commit at the most: bounds memory and what a failure takes along.
    private static let batchMax = 128

    /// `mirror`: `nil` where an older copy need not be found. `kindNames`: of the kinds that others keep in it.
    /// `thread` is where all of its work runs, one piece at a time.
    package init(
        audience: any AuditAudience, mirror: (any CounterMirror)? = nil, kindNames: [UInt8: String] = [:],
        on thread: any SerialExecutor & TaskExecutor = VaultThread()
    ) {
        self.audience = audience
        self.mirror = mirror
        (unmirrored, unmirroredTelling) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (turned, turnedTelling) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        self.kindNames = kindNames.merging(RecordTag.names) { _, own in own }
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

    /// Opens it by `opening`, which may block. On failure it stays sealed with the new reason. From here on it can be read; before the first
    /// write all records are looked at.
    package func unseal(_ admission: Admission, _ opening: @Sendable () throws(VaultError) -> OpenVault) throws(VaultError) {
        guard case .sealed = door else { return }
        do throws(VaultError) {
            let opened = try admit(opening(), admission)
            door = .open(opened)
            keepReserve(of: opened.vault)
        } catch {
            door = .sealed(error)
            turnedTelling.yield()
            throw error
        }
        turnedTelling.yield()
    }

    private func admit(_ vault: OpenVault, _ admission: Admission) throws(VaultError) -> Opened {
        do throws(VaultError) {
            let finding = try Finding(of: vault, mirror: mirror, admission)
            return Opened(vault: vault, last: try vault.lastAuditMark(), counter: finding.counter, check: .due(finding, admission))
        } catch {
            vault.engine.close()
            throw error
        }
    }

    /// Forgets the keys and closes the engine. What waits to be written is refused.
    package func seal(because why: VaultError = .sealed) {
        guard case .open(let opened) = door else { return }
        mirrorCounter()
        close(opened.vault, because: why)
    }

    private func close(_ vault: OpenVault, because why: VaultError) {
        door = .sealed(why)
        vault.engine.close()
        turnedTelling.yield()
    }

    func openVault() throws(VaultError) -> OpenVault {
        switch door {
        case .open(let opened): opened.vault
        case .sealed(let why): throw why
        }
    }

    /// The audit log's last entry, as this daemon wrote or found it.
    package var lastAudit: AuditMark {
        get throws(VaultError) {
            switch door {
            case .open(let opened): opened.last
            case .sealed(let why): throw why
            }
        }
    }

    // MARK: Before the first write

    /// Looks at all records, and writes down what was found at the opening. Returns at once when that was done; throws, sealed, when the
    /// records are not those of the last commit.
    package func settle() async throws(VaultError) {
        beginCheck()
        await checking?.value
        if case .sealed(let why) = door { throw why }
    }

    private func beginCheck() {
        guard checking == nil, case .open(let opened) = door, case .due(let finding, let admission) = opened.check else { return }
        // Between its pages it stays on the thread, in line with whoever reads.
        checking = Task(executorPreference: thread) { await self.finishCheck(opened.vault, finding, admission) }
    }

    private func finishCheck(_ vault: OpenVault, _ finding: Finding, _ admission: Admission) async {
        await check(vault, finding, admission)
        checking = nil
        flush()
    }

    private func check(_ vault: OpenVault, _ finding: Finding, _ admission: Admission) async {
        do throws(VaultError) {
            var scan = RecordScan(of: vault)
            while try scan.readPage() {
                // Whoever only reads goes first.
                await Task.yield()
                guard isOpen(vault) else { return }
            }
            try scan.requireMatch(with: VaultView(vault: vault).vaultState(), names: kindNames)
            do { try vault.engine.requireSound() } catch { throw VaultError(error) }
            try writeDown(finding, admission)
        } catch {
            guard isOpen(vault) else { return }
            close(vault, because: error)
        }
    }

    private func isOpen(_ vault: OpenVault) -> Bool {
        if case .open(let opened) = door { opened.vault === vault } else { false }
    }

    private func writeDown(_ finding: Finding, _ admission: Admission) throws(VaultError) {
        guard case .open(var opened) = door else { return }
        opened.check = .done
        let vault = opened.vault
        // From the commit on it counts as opened, and is refused without its mirror. An older one's quarantine, though, comes before the mirror,
        // with which it would pass for today's.
        if finding.isFirstOpening { try mirrorFirst(finding, &opened) }
        let isBehind = try VaultView(vault: vault).vaultState().counter < finding.counter
        if finding.quarantine != nil || finding.isFirstOpening || isBehind {
            var batch = Batch(vault: vault, after: opened.last)
            var transaction = batch.transaction()
            let id = SlotEntry.newID(vault.random)
            try transaction.changeState { state in
                state.counter = max(state.counter, finding.counter)
                if let why = finding.quarantine {
                    state.quarantine = Quarantine(id: id, since: admission.at, why: why, machine: admission.machine)
                } else if finding.isFirstOpening {
                    state.quarantine?.isUnopened = nil
                    state.quarantine?.machine = admission.machine
                }
            }
            let cause = finding.isFirstOpening ? .restored : finding.quarantine
            let outcome = cause?.rawValue ?? "unchanged"
            try batch.add(transaction, AuditEvent(at: admission.at, "vault.quarantined", by: admission.caller, outcome: outcome))
            opened.counter = try batch.commit()
            opened.last = batch.last
            for entry in batch.entries { audience.recorded(entry) }
            turnedTelling.yield()
        }
        if !finding.isFirstOpening { try mirrorFirst(finding, &opened) }
        door = .open(opened)
    }

    /// The first mirror that there is.
    private func mirrorFirst(_ finding: Finding, _ opened: inout Opened) throws(VaultError) {
        guard let mirror, finding.lacksMirror else { return }
        try CounterMark(opened.counter, by: [opened.vault]).write(to: mirror)
        opened.mirrored = opened.counter
    }

    // MARK: Reading and writing

    package func read<Outcome: Sendable>(_ body: @Sendable (VaultView) throws -> Outcome) throws -> Outcome {
        switch door {
        case .open(let opened): try opened.vault.withKeys { try body(VaultView(vault: opened.vault)) }
        case .sealed(let why): throw why
        }
    }

    /// For what can't be copied.
    package func readSecret(_ body: @Sendable (VaultView) throws -> Secret?) throws -> Secret? {
        switch door {
        case .open(let opened): try body(VaultView(vault: opened.vault))
        case .sealed(let why): throw why
        }
    }

    /// Runs `body` with nothing between its reads and its writes, and returns when all is durable. A throw leaves nothing behind.
    /// For work that has begun, `body` may run several times: again whenever the reserve has made room for it on a full disk.
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
        guard !waiting.isEmpty else { return }
        switch door {
        // It comes back here when all records were looked at.
        case .open(let opened): if case .due = opened.check { return beginCheck() }
        case .sealed(let why):
            let jobs = waiting
            waiting = []
            for job in jobs { job.refuse(why) }
            return
        }
        var jobs = Array(waiting.prefix(Self.batchMax))
        waiting.removeFirst(jobs.count)
        if !waiting.isEmpty { Task { flush() } }
        if lookForRoomAgain() == .full {
            let refused = jobs.filter { $0.work == .new }
            for job in refused { job.refuse(.diskFull) }
            if !refused.isEmpty { audience.notRecorded(refused.count) }
            jobs.removeAll { $0.work == .new }
        }
        commit(jobs)
    }

    private func commit(_ jobs: [Job]) {
        guard case .open(var opened) = door else { return }
        var batch = Batch(vault: opened.vault, after: opened.last)
        let (pending, outcome) = opened.vault.withKeys {
            let pending = jobs.compactMap { job in job.run(&batch).map { (job: job, done: $0) } }
            return (pending, pending.isEmpty ? nil : Result { () throws(VaultError) in try batch.commit() })
        }
        guard let outcome else { return }
        do throws(VaultError) {
            opened.counter = try outcome.get()
            opened.last = batch.last
            opened.perhaps = []
            door = .open(opened)
            unmirroredTelling.yield()
            if batch.endsQuarantine { turnedTelling.yield() }
            for entry in batch.entries { audience.recorded(entry) }
            if batch.erases || owesForgetting { forgetReplaced() }
            for (_, done) in pending { done(.success(())) }
        } catch {
            reread(&opened)
            if error == .diskFull { changeRoom(to: .full) }
            let begun = pending.map(\.job).filter { $0.work == .begun }
            guard error == .diskFull, !begun.isEmpty, opened.vault.engine.reserve?.release() == true else {
                for (_, done) in pending { done(.failure(error)) }
                audience.notRecorded(pending.count)
                return
            }
            for (job, done) in pending where job.work == .new { done(.failure(error)) }
            audience.notRecorded(pending.count - begun.count)
            commit(begun)
        }
    }

    /// A commit that failed may have reached the disk all the same: the log says where it goes on.
    private func reread(_ opened: inout Opened) {
        guard let last = try? opened.vault.lastAuditMark(), let state = try? VaultView(vault: opened.vault).vaultState() else { return }
        opened.last = last
        opened.counter = state.counter
        door = .open(opened)
    }

    /// What can't be done now is done after a later commit; the engine's closing does it too.
    func forgetReplaced() {
        guard case .open(let opened) = door else { return }
        owesForgetting = (try? opened.vault.engine.forgetReplaced()) == nil
    }

    /// Lets go of what only saves time.
    package func forgetDecoded() {
        guard case .open(let opened) = door else { return }
        opened.vault.decoded.forgetAll()
    }

    // MARK: The mirror

    /// Brings the mirror up to date. Called now and then, so that commits don't wait for it; what is not mirrored yet is not missed.
    /// Returns what is wrong with it.
    @discardableResult
    package func mirrorCounter() -> VaultError? {
        guard let mirror, case .open(var opened) = door, case .done = opened.check, opened.mirrored < opened.counter else { return nil }
        do throws(VaultError) {
            try CounterMark(opened.counter, by: [opened.vault] + opened.perhaps).write(to: mirror)
            opened.mirrored = opened.counter
            door = .open(opened)
            return nil
        } catch {
            return error
        }
    }
}
