internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// The connections of one client: at most `connectionsMax`, used last in first out, so that surplus ones grow old and are closed.
final class ConnectionPool: Sendable {
    private let connector: Connector
    private let limits: Limits
    private let state = Mutex(State())

    private struct State {
        var idle: [(connection: Connection, since: NIODeadline)] = []
        /// Idle, lent out and being opened.
        var openCount = 0
        /// First come, first served.
        var waiters: [(id: UInt64, continuation: CheckedContinuation<Turn, Never>)] = []
        var nextWaiter: UInt64 = 0
        var isSweepPlanned = false
    }

    /// What a waiter gets.
    private enum Turn: Sendable {
        case use(Connection)
        /// Its place among the `openCount` is the waiter's.
        case openOne
        case giveUp(Failure)
    }

    private enum Step {
        case take(Turn)
        case wait
    }

    init(connector: Connector, limits: Limits) {
        self.connector = connector
        self.limits = limits
    }

    deinit {
        for (connection, _) in state.withLock({ $0.idle }) { connection.close() }
    }

    /// The borrower gives it back with `giveBack`, or lets it close.
    func borrow(by deadline: NIODeadline) async throws(Failure) -> Connection {
        var step = state.withLock { state -> Step in
            while let (connection, _) = state.idle.popLast() {
                if connection.isActive { return .take(.use(connection)) }
            }
            if state.openCount < limits.connectionsMax {
                state.openCount += 1
                return .take(.openOne)
            }
            guard state.waiters.count < Limits.waitersMax else {
                return .take(.giveUp(Failure(.busy, "too many requests wait for a connection", wasSent: false)))
            }
            return .wait
        }
        if case .wait = step { step = .take(await turn(by: deadline)) }
        switch step {
        case .take(.use(let connection)): return connection
        case .take(.openOne): return try await open(by: deadline)
        case .take(.giveUp(let failure)): throw failure
        case .wait: fatalError("a turn is never to wait again")
        }
    }

    /// Only what can carry another request; a dead one is left alone, since its closing has been noticed.
    func giveBack(_ connection: Connection) {
        guard connection.isActive else { return }
        let (waiter, mustPlanSweep) = state.withLock { state -> (CheckedContinuation<Turn, Never>?, Bool) in
            if !state.waiters.isEmpty { return (state.waiters.removeFirst().continuation, false) }
            state.idle.append((connection, .now()))
            defer { state.isSweepPlanned = true }
            return (nil, !state.isSweepPlanned)
        }
        waiter?.resume(returning: .use(connection))
        if mustPlanSweep { planSweep() }
    }

    private func open(by deadline: NIODeadline) async throws(Failure) -> Connection {
        do {
            let connection = try await connector.open(by: deadline)
            connection.whenClosed { [weak self] in self?.closed(connection) }
            return connection
        } catch {
            freePlace()
            throw error
        }
    }

    private func closed(_ connection: Connection) {
        state.withLock { $0.idle.removeAll { $0.connection === connection } }
        freePlace()
    }

    /// The place goes to the first waiter, or back.
    private func freePlace() {
        let waiter = state.withLock { state -> CheckedContinuation<Turn, Never>? in
            if !state.waiters.isEmpty { return state.waiters.removeFirst().continuation }
            state.openCount -= 1
            return nil
        }
        waiter?.resume(returning: .openOne)
    }

    // MARK: Waiting

    private func turn(by deadline: NIODeadline) async -> Turn {
        let id = state.withLock { state -> UInt64 in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let late = Failure(.timedOut, "no free connection within \(limits.request.inWords)", wasSent: false)
        let cancelled = Failure(.cancelled, "cancelled", wasSent: false)
        let timer = MultiThreadedEventLoopGroup.singleton.next().scheduleTask(deadline: deadline) { self.withdraw(id, late) }
        defer { timer.cancel() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                state.withLock { $0.waiters.append((id, continuation)) }
                // The handler below has found nothing to withdraw if it ran before this.
                if Task.isCancelled { withdraw(id, cancelled) }
                if NIODeadline.now() >= deadline { withdraw(id, late) }
            }
        } onCancel: {
            withdraw(id, cancelled)
        }
    }

    private func withdraw(_ id: UInt64, _ failure: Failure) {
        let waiter = state.withLock { state -> CheckedContinuation<Turn, Never>? in
            guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
            return state.waiters.remove(at: index).continuation
        }
        waiter?.resume(returning: .giveUp(failure))
    }

    // MARK: Growing old

    private func planSweep() {
        MultiThreadedEventLoopGroup.singleton.next().scheduleTask(in: TimeAmount(limits.idle)) { [weak self] in self?.sweep() }
    }

    private func sweep() {
        let horizon = NIODeadline.now() - TimeAmount(limits.idle)
        let (old, mustPlanSweep) = state.withLock { state -> ([Connection], Bool) in
            let old = state.idle.filter { $0.since <= horizon }.map(\.connection)
            state.idle.removeAll { $0.since <= horizon }
            state.isSweepPlanned = !state.idle.isEmpty
            return (old, state.isSweepPlanned)
        }
        for connection in old { connection.close() }
        if mustPlanSweep { planSweep() }
    }
}
