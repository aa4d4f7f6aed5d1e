import Model
import Synchronization

/// The rotations under way in this process and who waits for them. The journal, not this, says which rotations exist.
final class LiveRotations: Sendable {
    private struct Entry {
        var rotation: Rotation
        let signal: Signal
        /// False between its announcement and its start.
        var isDriven: Bool
        var isResting = false
        var waiters: [Int: CheckedContinuation<RotationRunner.Settling, Never>] = [:]
    }

    private struct State {
        var entries: [RotationID: Entry] = [:]
        var windows: [UpstreamName: Window] = [:]
        var onEmpty: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter = 0
        var pace = Pace.goingOn

        /// What was only announced has nobody who could end it.
        var isAnythingDriven: Bool { entries.values.contains(where: \.isDriven) }
    }

    private enum Pace {
        case goingOn
        /// Nothing is begun yet; what should be waits for `goOn`.
        case opening
        /// Nothing is begun any more.
        case halting
        /// Nobody waits any more, either.
        case halted
    }

    private let state = Mutex(State())

    /// Makes it known before it is durable, so that whoever finds it in the journal can wait for it.
    func announce(_ rotation: Rotation, _ signal: Signal) {
        state.withLock { state in
            // A stuck rotation's last driver may not be gone yet.
            let waiters = state.entries[rotation.id]?.waiters ?? [:]
            state.entries[rotation.id] = Entry(rotation: rotation, signal: signal, isDriven: false, waiters: waiters)
        }
    }

    /// The same for one that was found in the journal: who drives it already goes on.
    func announceFound(_ rotation: Rotation) {
        let signal = Signal(isCancellable: rotation.machine.isCancellable)
        state.withLock { state in
            guard state.entries[rotation.id] == nil else { return }
            state.entries[rotation.id] = Entry(rotation: rotation, signal: signal, isDriven: false)
        }
    }

    /// It did not become durable.
    func withdraw(_ id: RotationID) {
        guard let signal = state.withLock({ $0.entries[id].flatMap { $0.isDriven ? nil : $0.signal } }) else { return }
        end(id, signal)
    }

    /// `nil` when it has a driver already, and unless all goes on: then it is resumed when it does.
    func begin(_ rotation: Rotation) -> Signal? {
        let (isHalted, signal) = state.withLock { state -> (Bool, Signal?) in
            switch state.pace {
            case .halting, .halted: return (true, nil)
            case .opening, .goingOn: break
            }
            var entry = state.entries[rotation.id] ?? Entry(rotation: rotation, signal: Signal(isCancellable: false), isDriven: false)
            defer { state.entries[rotation.id] = entry }
            guard state.pace == .goingOn, !entry.isDriven else { return (false, nil) }
            entry.isDriven = true
            return (false, entry.signal)
        }
        if isHalted { withdraw(rotation.id) }
        return signal
    }

    func knows(_ id: RotationID) -> Bool {
        state.withLock { $0.entries[id] != nil }
    }

    /// What its driver has read or made durable. False when another driver was announced meanwhile: then it is that one's, from before it
    /// could be read.
    func update(_ rotation: Rotation, by signal: Signal) -> Bool {
        var isOurs = false
        release(rotation.id, .settled) { entry in
            isOurs = entry.signal === signal
            guard isOurs else { return false }
            entry.rotation = rotation
            return rotation.state.hasEnded || rotation.state == .stuck
        }
        return isOurs
    }

    func rests(_ id: RotationID) {
        release(id, .settled) { entry in
            entry.isResting = true
            return true
        }
    }

    /// Its rest is over, whoever ended it.
    func goesOn(_ id: RotationID) {
        state.withLock { $0.entries[id]?.isResting = false }
    }

    func storeFailed(_ id: RotationID, _ error: any Error) {
        release(id, .storeFailed(error)) { _ in true }
    }

    /// `signal` tells whose end it is: a stuck rotation may have been taken up again by another driver already.
    func end(_ id: RotationID, _ signal: Signal) {
        release(id, .halted) { $0.signal === signal }
        let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard state.entries[id]?.signal === signal else { return [] }
            state.entries[id] = nil
            guard !state.isAnythingDriven else { return [] }
            defer { state.onEmpty = [:] }
            return Array(state.onEmpty.values)
        }
        for continuation in waiting { continuation.resume() }
    }

    /// A caller that goes away stops waiting, with `.halted`.
    func settled(_ id: RotationID) async -> RotationRunner.Settling {
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let settling = state.withLock { state -> RotationRunner.Settling? in
                    guard let entry = state.entries[id] else {
                        return state.pace == .goingOn || state.pace == .opening ? .settled : .halted
                    }
                    if entry.isResting || entry.rotation.state.hasEnded || entry.rotation.state == .stuck { return .settled }
                    if Task.isCancelled || state.pace == .halted { return .halted }
                    state.entries[id]?.waiters[waiter] = continuation
                    return nil
                }
                if let settling { continuation.resume(returning: settling) }
            }
        } onCancel: {
            state.withLock { $0.entries[id]?.waiters.removeValue(forKey: waiter) }?.resume(returning: .halted)
        }
    }

    func wake(_ id: RotationID) {
        wakeAll(.goOn) { $0.id == id }
    }

    func wakeAll(_ call: Signal.Call, where isMeant: (Rotation) -> Bool) {
        let signals = state.withLock { state in
            state.entries.filter { $0.value.isResting && isMeant($0.value.rotation) }.map { id, entry in
                state.entries[id]?.isResting = false
                return entry.signal
            }
        }
        for signal in signals { signal.wake(call) }
    }

    func wakeAll(_ call: Signal.Call, waitingForBearerOf upstream: UpstreamName) {
        wakeAll(call) { rotation in
            guard case .waiting(let wait) = rotation.machine.phase, rotation.machine.plan.upstream.name == upstream else { return false }
            return switch wait.cause {
            case .token, .refresh: true
            case .nextCycle: false
            }
        }
    }

    func isCancellable(_ id: RotationID) -> Bool {
        signal(of: id)?.isCancellable == true
    }

    /// Of one that has not ended.
    private func signal(of id: RotationID) -> Signal? {
        state.withLock { state in state.entries[id].flatMap { $0.rotation.state.hasEnded ? nil : $0.signal } }
    }

    func cancel(_ id: RotationID) -> Bool {
        guard signal(of: id)?.cancel() == true else { return false }
        // What rests is woken by it, and has not settled before it is cancelled.
        goesOn(id)
        return true
    }

    /// What rests or pauses ends at once; what is under way goes on with all that follows without a pause. Whoever still waits at the end,
    /// also by the surrounding task's cancellation, is told then.
    func halt() async {
        let (signals, waiter, undriven) = state.withLock { state in
            state.pace = .halting
            state.nextWaiter += 1
            // What nobody drives is announced anew when it goes on.
            let undriven = state.entries.values.filter { !$0.isDriven }.flatMap(\.waiters.values)
            state.entries = state.entries.filter(\.value.isDriven)
            return (state.entries.values.map(\.signal), state.nextWaiter, undriven)
        }
        for signal in signals { signal.halt() }
        for continuation in undriven { continuation.resume(returning: .halted) }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state -> Bool in
                    guard state.isAnythingDriven, !Task.isCancelled else { return true }
                    state.onEmpty[waiter] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.onEmpty.removeValue(forKey: waiter) }?.resume()
        }
        let told = state.withLock { state in
            if state.pace == .halting { state.pace = .halted }
            let told = state.entries.values.flatMap(\.waiters.values)
            for id in state.entries.keys { state.entries[id]?.waiters = [:] }
            return told
        }
        for continuation in told { continuation.resume(returning: .halted) }
    }

    /// From here on it is known what is to be begun, but nothing is.
    func prepare() {
        state.withLock { $0.pace = .opening }
    }

    /// Returns what nobody drives yet. Nothing where it was halted again meanwhile.
    func goOn() -> [Rotation] {
        state.withLock { state in
            guard state.pace == .opening else { return [] }
            state.pace = .goingOn
            return state.entries.values.filter { !$0.isDriven }.map(\.rotation).sorted { $0.id.description < $1.id.description }
        }
    }

    func window(of upstream: UpstreamName, size: Int) -> Window {
        state.withLock { state in
            // Another size may have been set meanwhile; who is in the old one leaves it in his time.
            if let window = state.windows[upstream], window.size == size { return window }
            let window = Window(size: size)
            state.windows[upstream] = window
            return window
        }
    }

    private func release(_ id: RotationID, _ settling: RotationRunner.Settling, if change: (inout Entry) -> Bool) {
        let waiters = state.withLock { state -> [CheckedContinuation<RotationRunner.Settling, Never>] in
            guard var entry = state.entries[id] else { return [] }
            let isOver = change(&entry)
            let waiters = isOver ? Array(entry.waiters.values) : []
            if isOver { entry.waiters = [:] }
            state.entries[id] = entry
            return waiters
        }
        for waiter in waiters { waiter.resume(returning: settling) }
    }
}
