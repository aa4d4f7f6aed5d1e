package import Model
package import Secrets
import Synchronization

/// Drives rotations: performs the machine's steps over the ports, one task a rotation, and tells those who wait.
package final class RotationRunner: Sendable {
    private let journal: any RotationJournal
    private let bearers: any BearerKeeper
    private let targets: any TargetProvider
    private let clock: any RotationClock
    private let random: any RandomSource
    private let observer: any RotationObserver
    private let limitsInForce: InForce<RotationLimits>
    private let live = LiveRotations()
    private let queue: AsyncStream<@Sendable () async -> Void>
    private let enqueue: AsyncStream<@Sendable () async -> Void>.Continuation

    package init(
        journal: any RotationJournal, bearers: any BearerKeeper, targets: any TargetProvider, clock: any RotationClock,
        random: any RandomSource, observer: any RotationObserver, limits: InForce<RotationLimits>
    ) {
        self.journal = journal
        self.bearers = bearers
        self.targets = targets
        self.clock = clock
        self.random = random
        self.observer = observer
        limitsInForce = limits
        (queue, enqueue) = AsyncStream.makeStream()
        bearers.whenRefreshed { [live] in live.wakeAll(.bearerRefreshed, waitingForBearerOf: $0) }
    }

    /// Taken anew whenever a rotation is taken up.
    package var limits: RotationLimits { limitsInForce.current }

    /// Runs all rotations until the surrounding task is cancelled; those under way then stop at their next durable point.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for await drive in queue {
                group.addTask { await drive() }
            }
            group.cancelAll()
        }
    }

    // MARK: For the operations

    /// Makes a rotation known that is about to become durable, so that others can join it. `start` or `withdraw` must follow.
    package func announce(new rotation: Rotation) {
        live.announce(rotation, LiveRotations.Signal(isCancellable: true))
    }

    /// The same for one that was stuck.
    package func announce(resolved rotation: Rotation) {
        live.announce(rotation, LiveRotations.Signal(isCancellable: false))
    }

    /// Makes one known that is in the journal, unfinished, so that others can wait for it. `goOn` resumes it.
    package func announce(found rotation: Rotation) {
        live.announceFound(rotation)
    }

    /// The announced rotation did not become durable.
    package func withdraw(_ id: RotationID) {
        live.withdraw(id)
    }

    /// Drives an announced rotation that is durable now.
    package func start(_ rotation: Rotation) {
        launch(rotation) { [self] signal in
            var rotation = rotation
            rotation.machine.limits = limits
            let steps = rotation.machine.begin()
            await drive(rotation, steps, signal)
        }
    }

    /// Drives a rotation found unfinished in the journal, where nobody does: a commit that was reported as failed may have made it durable.
    package func takeUp(_ rotation: Rotation) {
        guard !rotation.state.hasEnded, rotation.state != .stuck, !live.knows(rotation.id) else { return }
        resume(rotation)
    }

    /// Begins the next cycle of a waiting rotation at once.
    package func wake(_ id: RotationID) {
        live.wake(id)
    }

    /// Somebody gave a new bearer: all that rest for one of this upstream go on.
    package func bearerChanged(of upstream: UpstreamName) {
        live.wakeAll(.goOn, waitingForBearerOf: upstream)
    }

    /// Whether `cancel` would be granted now.
    package func isCancellable(_ id: RotationID) -> Bool {
        live.isCancellable(id)
    }

    /// Granted only while no PUT of the rotation is out, nor was one that may have been stored.
    package func cancel(_ id: RotationID) -> Bool {
        live.cancel(id)
    }

    /// Returns when the rotation has ended, is stuck, or rests; at once if it isn't under way.
    package func settled(_ id: RotationID) async -> Settling {
        await live.settled(id)
    }

    /// Stops all that is under way where it would pause and returns when nothing is; begins nothing any more until `goOn`. When the
    /// surrounding task is cancelled it returns at once, and tells whoever still waits.
    package func halt() async {
        await live.halt()
    }

    /// After a halt: from here on rotations are announced and waited for, but none is driven before `goOn`.
    package func prepare() {
        live.prepare()
    }

    /// Drives all that was announced, and from here on whatever is begun.
    package func goOn() {
        for rotation in live.goOn() { resume(rotation) }
    }

    /// How waiting for a rotation came out.
    package enum Settling: Sendable {
        case settled
        /// What it needs could not be read, or what it came to not be made durable; that is tried again.
        case storeFailed(any Error)
        /// The daemon stops or seals; the rotation goes on later.
        case halted
    }

    // MARK: Driving

    private func launch(_ rotation: Rotation, _ body: @escaping @Sendable (LiveRotations.Signal) async -> Void) {
        guard let signal = live.begin(rotation) else { return }
        enqueue.yield { [live, id = rotation.id] in
            await withTaskCancellationHandler {
                await body(signal)
            } onCancel: {
                signal.halt()
            }
            live.end(id, signal)
        }
    }

    private func resume(_ rotation: Rotation) {
        launch(rotation) { [self] signal in
            guard var current = await reread(rotation, signal) else { return }
            // A further cycle, also of what was never sent and so is no retry.
            if case .waiting = current.machine.phase {
                var unopened: CredentialsInPlay?
                guard await holdWhilePaused(current, &unopened, signal) else { return }
            }
            let steps = signal.isCancellationAsked ? current.machine.cancelled() : current.machine.resumed()
            await drive(current, steps, signal)
        }
    }

    /// As it is now that nobody else drives it: since it was found, its driver may have gone on, and ended. `nil` when there is nothing to
    /// go on with, or when told to halt.
    private func reread(_ found: Rotation, _ signal: LiveRotations.Signal) async -> Rotation? {
        while true {
            do {
                guard var current = try await journal.rotation(found.id) else { return nil }
                current.machine.limits = limits
                signal.allow(cancelling: current.machine.isCancellable)
                guard live.update(current, by: signal) else { return nil }
                return current.state.hasEnded || current.state == .stuck ? nil : current
            } catch is RotationIsOver {
                return nil
            } catch {
                observer.rotation(found, cannotGoOn: error)
                live.storeFailed(found.id, error)
                guard await signal.pause(for: Self.commitRetryMax, on: clock) else { return nil }
            }
        }
    }

    private func drive(_ initial: Rotation, _ first: [RotationStep], _ signal: LiveRotations.Signal) async {
        var rotation = initial
        var steps = first[...]
        var cycleStart = clock.uptime()
        // Opened once for acts that follow each other at once, and let go before each pause.
        var credentials: CredentialsInPlay?
        while let step = steps.popFirst() {
            observer.rotation(rotation, does: step)
            switch step {
            case .commit:
                guard await commit(&rotation, signal) else { return }
                signal.allow(cancelling: rotation.machine.isNothingBegun)
            case .act(let act, let delay):
                if delay > .zero { credentials = nil }
                guard await signal.delay(for: delay, on: clock) else { return }
                if rotation.machine.isRetry(act) {
                    guard await holdWhilePaused(rotation, &credentials, signal) else { return }
                }
                guard let next = await perform(act, &rotation, &credentials, signal, cycleStart) else { return }
                steps = next[...]
            case .lookUp: steps = await lookUp(&rotation)[...]
            case .renewBearer:
                guard let renewal = await renewBearer(of: rotation, signal) else { return }
                steps = rotation.machine.bearerAnswered(renewal, at: moment(since: cycleStart))[...]
            case .rest(let wait):
                credentials = nil
                guard await rest(wait, rotation, signal), await holdWhilePaused(rotation, &credentials, signal) else { return }
                cycleStart = clock.uptime()
                steps = goOn(&rotation, signal)[...]
            }
        }
    }

    private func goOn(_ rotation: inout Rotation, _ signal: LiveRotations.Signal) -> [RotationStep] {
        if signal.isCancellationAsked { return rotation.machine.cancelled() }
        return signal.isBearerRefreshed ? rotation.machine.wokenByRefresh() : rotation.machine.woken()
    }

    /// Tries until it is durable; false when told to halt first, and when it must not go on.
    private func commit(_ rotation: inout Rotation, _ signal: LiveRotations.Signal) async -> Bool {
        if case .ended = rotation.machine.phase, rotation.endedAt == nil { rotation.endedAt = clock.now() }
        var delay = Duration.milliseconds(100)
        while true {
            do {
                try await journal.commit(rotation)
                return live.update(rotation, by: signal)
            } catch is RotationIsOver {
                return false
            } catch {
                observer.rotation(rotation, cannotGoOn: error)
                live.storeFailed(rotation.id, error)
                guard await signal.pause(for: delay, on: clock) else { return false }
                delay = min(delay * 2, Self.commitRetryMax)
            }
        }
    }

    /// A store that failed is asked again at least this often: a full disk may have room again.
    private static let commitRetryMax = Duration.seconds(15)

    /// One outside act; `nil` when told to halt, or when it must not go on.
    private func perform(
        _ act: RotationAct, _ rotation: inout Rotation, _ opened: inout CredentialsInPlay?, _ signal: LiveRotations.Signal,
        _ cycleStart: Duration
    ) async -> [RotationStep]? {
        let plan = rotation.machine.plan
        let bearer: SharedSecret
        do {
            switch try await bearers.bearer(of: plan.upstream) {
            case .bearer(let current):
                signal.bearerGeneration = current.generation
                bearer = current.token
            case .lacking(let lack, let generation):
                signal.bearerGeneration = generation
                return rotation.machine.withoutBearer(lack, at: moment(since: cycleStart))
            }
            if opened == nil { opened = try await journal.credentials(of: rotation) }
        } catch let unreadable as UnreadableCredential {
            return rotation.machine.unreadable(unreadable.reason)
        } catch is RotationIsOver {
            return nil
        } catch {
            observer.rotation(rotation, cannotGoOn: error)
            live.storeFailed(rotation.id, error)
            guard await signal.pause(for: Self.commitRetryMax, on: clock) else { return nil }
            return [.act(act, after: .zero)]
        }
        let window = live.window(of: plan.upstream.name, size: limits.actsPerUpstream)
        await window.enter()
        defer { window.leave() }
        switch signal.handOver() {
        case .go: break
        case .halted: return nil
        case .cancelled: return rotation.machine.cancelled()
        }
        guard let credentials = opened.take() else { preconditionFailure("no credentials were opened for \(rotation.id)") }
        let secrets = SecretsInPlay(bearer: bearer, credentials: credentials)
        let steps = await send(act, secrets, &rotation, cycleStart)
        opened = secrets.release()
        return steps
    }

    private func send(
        _ act: RotationAct, _ secrets: borrowing SecretsInPlay, _ rotation: inout Rotation, _ cycleStart: Duration
    ) async -> [RotationStep] {
        let plan = rotation.machine.plan
        let target = targets.target(at: plan.upstream)
        switch act {
        case .put(let which):
            let answer = await target.put(
                plan.kind == .remote ? nil : which, of: secrets, field: plan.field,
                fields: which == .offered ? plan.fields : plan.formerFields, to: plan.remoteID)
            observer.rotation(rotation, got: "\(answer.label)")
            return rotation.machine.put(which, answered: answer, at: moment(since: cycleStart))
        case .validate(let which):
            let answer = await target.validate(plan.remoteID, secrets: secrets)
            observer.rotation(rotation, got: "\(answer.label)")
            return rotation.machine.validate(which, answered: answer, at: moment(since: cycleStart))
        }
    }

    /// `nil` when told to halt. What the vault can't take for now is no answer of the backend's.
    private func renewBearer(of rotation: Rotation, _ signal: LiveRotations.Signal) async -> BearerRenewal? {
        while true {
            do {
                return try await bearers.renew(rotation.machine.plan.upstream.name, refused: signal.bearerGeneration)
            } catch {
                observer.rotation(rotation, cannotGoOn: error)
                live.storeFailed(rotation.id, error)
                guard await signal.pause(for: Self.commitRetryMax, on: clock) else { return nil }
            }
        }
    }

    private func lookUp(_ rotation: inout Rotation) async -> [RotationStep] {
        let plan = rotation.machine.plan
        guard case .bearer(let bearer) = try? await bearers.bearer(of: plan.upstream) else {
            return rotation.machine.lookUpAnswered(.unavailable(Reason("the upstream has no bearer token")))
        }
        let answer = await targets.target(at: plan.upstream).lookUp(plan.remoteID, noOlderThan: .zero, bearer: bearer.token.secret)
        return rotation.machine.lookUpAnswered(answer)
    }

    /// False when told to halt first.
    private func holdWhilePaused(_ rotation: Rotation, _ opened: inout CredentialsInPlay?, _ signal: LiveRotations.Signal) async -> Bool {
        while !signal.isCancellationAsked, (try? await journal.isPaused(rotation.config)) == true {
            opened = nil
            signal.prepareRest()
            live.rests(rotation.id)
            guard await signal.rest(for: Self.pauseCheckInterval, on: clock) else { return false }
            live.goesOn(rotation.id)
        }
        return true
    }

    /// A pause may end by its own time; resuming by hand wakes at once.
    private static let pauseCheckInterval = Duration.seconds(30)

    /// True to go on, false when told to halt.
    private func rest(_ wait: RotationWait, _ rotation: Rotation, _ signal: LiveRotations.Signal) async -> Bool {
        guard !signal.isCancellationAsked else { return true }
        signal.prepareRest()
        live.rests(rotation.id)
        defer { live.goesOn(rotation.id) }
        switch wait.cause {
        case .token, .refresh:
            // One that came before it was known that this rests has woken nobody.
            let newest = try? await bearers.generation(of: rotation.machine.plan.upstream)
            if let newest, newest > signal.bearerGeneration { signal.wake(.bearerRefreshed) }
        case .nextCycle: break
        }
        return await signal.rest(for: wait.cause.nextTryAt.map { max($0 - clock.now(), .zero) }, on: clock)
    }

    private func moment(since cycleStart: Duration) -> Moment {
        Moment(now: clock.now(), inCycle: clock.uptime() - cycleStart, jitter: random.fraction())
    }
}
