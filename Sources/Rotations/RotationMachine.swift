import Model

/// One rotation as a value: events in, steps out. It never waits, logs, draws, reads a clock or calls anything.
/// `commit` steps stand before every act whose repetition after a crash would otherwise be judged on less than was known.
package struct RotationMachine: Sendable, Equatable, Codable {
    package let plan: RotationPlan
    package private(set) var phase: RotationPhase
    /// PUTs handed out so far, over all cycles and restarts.
    package private(set) var attempts = 0
    /// Cycles that ended without an answer.
    package private(set) var cyclesUsed = 0
    /// Of which credential a PUT once had an unknown outcome: a straggler of it may still land.
    package private(set) var unresolved: Set<CredentialsInPlay.Which> = []
    /// Whether the last PUT of the offered credential was answered by `success: true`.
    package private(set) var offeredWasAccepted = false
    /// The same of the standing one, where it was put back.
    package private(set) var standingWasAccepted = false
    /// The backend stored the offered one and found that it does not work.
    private var offeredFailedItsProof = false
    /// Some PUT of the offered credential got another answer than a plain no: a later refusal shows nothing about that one.
    private(set) var offeredMayBeStored: Bool?
    /// What the operator said last, while it is stuck no more.
    private(set) var word: Resolution?
    /// Why the standing credential goes back, once it does.
    package private(set) var verdict: Reason?
    /// The last thing that went wrong.
    package private(set) var lastReason: Reason?
    /// Not stored: the settings of the day apply.
    package var limits = RotationLimits()
    private var cycle = Cycle()

    private enum CodingKeys: CodingKey {
        case plan, phase, attempts, cyclesUsed, unresolved, offeredWasAccepted, standingWasAccepted, offeredFailedItsProof
        case offeredMayBeStored, word, verdict, lastReason, cycle
    }

    /// What is forgotten when a cycle begins.
    private struct Cycle: Sendable, Equatable, Codable {
        var retries = 0
        var proofTries = 0
        var askedAgain = false
        var renewedBearer = false
    }

    /// `wasAccepted`: of a version to be proven, whether its own PUT was answered by `success: true`.
    package init(plan: RotationPlan, wasAccepted: Bool = false) {
        self.plan = plan
        offeredWasAccepted = wasAccepted
        phase = plan.kind == .prove ? .validating(.offered) : .putting(.offered)
    }

    // MARK: Ways in

    /// The first steps, after the request was made durable.
    package mutating func begin() -> [RotationStep] {
        guard let act = currentAct else { preconditionFailure("begin in \(phase)") }
        return go(act, after: .zero)
    }

    /// After a restart of the daemon: nobody knows how far the last act got.
    package mutating func resumed() -> [RotationStep] {
        switch phase {
        case .putting(let which):
            unresolved.insert(which)
            if which == .offered { offeredMayBeStored = true }
            attempts = max(attempts, 1)
            return [.commit] + anew(.put(which))
        case .validating(let which): return anew(.validate(which))
        case .lookingUp: return anew(.validate(.offered))
        case .waiting: return woken()
        case .stuck, .ended: return []
        }
    }

    /// The time has come, a new bearer is there, or somebody asks by hand: another cycle begins at once.
    package mutating func woken() -> [RotationStep] {
        guard case .waiting(let wait) = phase else { return [] }
        phase = wait.resumes.phase
        return [.commit] + anew(wait.resumes)
    }

    /// The bearer was refreshed for somebody else. It is not refreshed again in the cycle that this begins: where every token is refused, those
    /// that wait at one upstream would wake each other for ever.
    package mutating func wokenByRefresh() -> [RotationStep] {
        guard case .waiting = phase else { return [] }
        let steps = woken()
        cycle.renewedBearer = true
        return steps
    }

    /// The new state has to become durable; then `begin`.
    package mutating func resolve(_ resolution: Resolution) {
        precondition(resolutions.contains(resolution), "\(resolution) in \(phase)")
        cyclesUsed = 0
        word = resolution
        switch resolution {
        case .retry, .applied:
            verdict = nil
            offeredFailedItsProof = false
            phase = .putting(.offered)
        case .notApplied:
            verdict = Reason("the operator took the earlier credential")
            phase = .putting(.standing)
        }
        cycle = Cycle()
    }

    /// A credential is damaged or gone: nothing can be sent.
    package mutating func unreadable(_ reason: Reason) -> [RotationStep] {
        guard isNothingStored || plan.kind == .prove else { return stuck(reason) }
        return end(failed(reason))
    }

    /// There is no bearer to send the act with: it never went out.
    package mutating func withoutBearer(_ lack: BearerLack, at moment: Moment) -> [RotationStep] {
        guard let act = currentAct else { preconditionFailure("no bearer in \(phase)") }
        if case .put = act { attempts -= 1 }
        lastReason = Reason("the upstream has no bearer token")
        return wait(act, for: lack, at: moment)
    }

    /// It must not go on by itself, and nobody knows how far it got: left to the operator. For what is not driven.
    package mutating func hold(because reason: Reason) {
        guard plan.kind != .prove else {
            _ = end(failed(reason))
            return
        }
        // Whoever drove it meanwhile, elsewhere, may have sent what waits here.
        unresolved.insert(.offered)
        if verdict != nil { unresolved.insert(.standing) }
        offeredMayBeStored = true
        attempts = max(attempts, 1)
        _ = stuck(reason)
    }

    /// Only while no PUT may have been stored: the driver vouches that none is under way.
    package mutating func cancelled() -> [RotationStep] {
        precondition(isNothingBegun, "cancelled after a PUT that may have been stored")
        if case .putting = phase { attempts -= 1 }
        return end(.cancelled)
    }

    // MARK: Answers

    package mutating func put(_ which: CredentialsInPlay.Which, answered answer: PutAnswer, at moment: Moment) -> [RotationStep] {
        precondition(phase == .putting(which), "an answer to a PUT of \(which) in \(phase)")
        switch answer {
        case .accepted:
            if which == .offered { offeredMayBeStored = true }
            offeredWasAccepted = which == .offered
            standingWasAccepted = which == .standing
            return accepted(which)
        case .noVerdict:
            if which == .offered {
                offeredWasAccepted = false
                offeredMayBeStored = true
            } else {
                standingWasAccepted = false
            }
            guard cycle.askedAgain else {
                cycle.askedAgain = true
                unresolved.insert(which)
                return [.commit] + go(.put(which), after: .zero)
            }
            return accepted(which)
        case .unauthorized(let reason): return unauthorized(.put(which), reason)
        case .notSent(let reason): return again(.put(which), reason, retryAfter: nil, at: moment)
        case .unknown(let reason, let retryAfter):
            unresolved.insert(which)
            if which == .offered { offeredMayBeStored = true }
            return again(.put(which), reason, retryAfter: retryAfter, at: moment)
        case .denied(let reason):
            guard which == .offered else { return stuck(reason) }
            offeredMayBeStored = true
            return wayBack(because: reason, denied: true)
        case .rejected(let reason):
            guard which == .offered else { return stuck(reason) }
            return isNothingStored && plan.mayBeHeld != true && word != .applied
                ? end(.rejected(reason, warning: nil)) : wayBack(because: reason, denied: true)
        case .refused(let reason):
            guard which == .offered, isNothingStored, word != .applied else { return stuck(reason) }
            return end(failed(reason))
        }
    }

    package mutating func validate(_ which: CredentialsInPlay.Which, answered answer: ValidateAnswer, at moment: Moment) -> [RotationStep] {
        precondition(phase == .validating(which), "an answer to a validate of \(which) in \(phase)")
        if plan.kind == .prove { return proveAnswered(answer, at: moment) }
        switch answer {
        case .works: return works(which, at: moment)
        case .fails(let reason):
            if let steps = askProofAgain(which, reason) { return steps }
            if which == .offered { offeredFailedItsProof = true }
            return which == .offered ? wayBack(because: reason, denied: false) : stuck(reason)
        case .notFound(let reason):
            guard which == .offered else { return unproven(which, reason) }
            phase = .lookingUp(reason)
            return [.lookUp]
        case .unsupported(let reason): return unproven(which, reason)
        case .unauthorized(let reason): return unauthorized(.validate(which), reason)
        case .tooMany(let reason, let retryAfter): return again(.validate(which), reason, retryAfter: retryAfter, at: moment)
        case .inconclusive(let reason): return askProofAgain(which, reason) ?? unproven(which, reason)
        }
    }

    /// The backend's list, after a validate answered 404.
    package mutating func lookUpAnswered(_ answer: LookUpAnswer) -> [RotationStep] {
        guard case .lookingUp(let reason) = phase else { preconditionFailure("an answer to a look-up in \(phase)") }
        switch answer {
        case .missing:
            let gone = Reason("the configuration is gone from the backend", backendMessage: reason.backendMessage)
            return end(failed(gone))
        case .listed, .unauthorized, .unavailable: return unproven(.offered, reason)
        }
    }

    /// What the renewal of the bearer came to after a 401.
    package mutating func bearerAnswered(_ renewal: BearerRenewal, at moment: Moment) -> [RotationStep] {
        guard let act = currentAct else { preconditionFailure("a bearer came in \(phase)") }
        switch renewal {
        case .renewed: return go(act, after: .zero)
        case .lacking(let lack): return wait(act, for: lack, at: moment)
        }
    }

    /// Whether `act` repeats one that came to nothing: what a pause holds. A put-back and a validate finish what was begun.
    package func isRetry(_ act: RotationAct) -> Bool {
        if case .put(let which) = act, unresolved.contains(which) { return true }
        return cycle.retries > 0
    }

    /// Whether a pause holds what comes next.
    package var isHeldByPause: Bool {
        switch phase {
        case .putting(let which): isRetry(.put(which))
        case .validating(let which): isRetry(.validate(which))
        case .waiting: true
        case .lookingUp, .stuck, .ended: false
        }
    }

    // MARK: What follows

    private mutating func accepted(_ which: CredentialsInPlay.Which) -> [RotationStep] {
        if !plan.proves, which == .offered {
            return end(offeredWasAccepted ? .succeeded(.off, warning: nil) : .succeeded(.unproven, warning: Self.putUnconfirmed))
        }
        cycle.proofTries = 0
        // It finishes what went through, which no pause holds.
        cycle.retries = 0
        return go(.validate(which), after: .zero)
    }

    private mutating func works(_ which: CredentialsInPlay.Which, at moment: Moment) -> [RotationStep] {
        guard which == .offered else {
            let verdict = verdict ?? Reason("it was put back")
            if standingWasAccepted { return end(.rejected(verdict, warning: nil)) }
            // That a key works shows which one it is only where the other does not, and that may have been the provider's trouble.
            return offeredFailedItsProof ? end(.rejected(verdict, warning: Self.putBackUnconfirmed)) : stuck(Self.putBackUnconfirmed)
        }
        if !offeredWasAccepted {
            return end(.succeeded(.unproven, warning: Self.putUnconfirmed))
        }
        if unresolved.contains(.standing) || plan.othersMayLand == true {
            return end(.succeeded(.unproven, warning: Self.othersMayLand))
        }
        return end(.succeeded(.proven, warning: nil))
    }

    private mutating func unproven(_ which: CredentialsInPlay.Which, _ reason: Reason) -> [RotationStep] {
        switch which {
        case .offered: end(.succeeded(.unproven, warning: reason))
        case .standing:
            standingWasAccepted ? end(.rejected(verdict ?? Reason("it was put back"), warning: reason)) : stuck(Self.putBackUnconfirmed)
        }
    }

    private static let othersMayLand = Reason("an earlier PUT of another credential may still land")
    private static let putUnconfirmed = Reason("the backend did not say that it stored the credential")
    private static let putBackUnconfirmed = Reason("the backend did not say that it stored the earlier credential")

    private mutating func proveAnswered(_ answer: ValidateAnswer, at moment: Moment) -> [RotationStep] {
        switch answer {
        case .works:
            if offeredWasAccepted, plan.othersMayLand == true {
                end(.succeeded(.unproven, warning: Self.othersMayLand))
            } else if offeredWasAccepted {
                end(.succeeded(.proven, warning: nil))
            } else {
                end(.succeeded(.unproven, warning: Reason("a key works there, but that it is this one only a PUT of its own can show")))
            }
        case .fails(let reason): askProofAgain(.offered, reason) ?? end(.failed(reason, .stays))
        case .unauthorized(let reason):
            if cycle.renewedBearer { end(.failed(reason, .withoutToken)) } else { renew(reason) }
        case .inconclusive(let reason): askProofAgain(.offered, reason) ?? end(.failed(reason, .nothingChanged))
        case .notFound(let reason), .unsupported(let reason), .tooMany(let reason, _): end(.failed(reason, .nothingChanged))
        }
    }

    private mutating func askProofAgain(_ which: CredentialsInPlay.Which, _ reason: Reason) -> [RotationStep]? {
        lastReason = reason
        cycle.proofTries += 1
        return cycle.proofTries < limits.proofTries ? go(.validate(which), after: limits.proofGap) : nil
    }

    /// The offered credential must not stay. `denied`: the backend said that it did not store it.
    private mutating func wayBack(because reason: Reason, denied: Bool) -> [RotationStep] {
        lastReason = reason
        guard plan.wayBack == .open, word != .applied else {
            return denied ? stuck(reason) : end(.failed(reason, .stays))
        }
        verdict = reason
        phase = .putting(.standing)
        return [.commit] + anew(.put(.standing))
    }

    private mutating func unauthorized(_ act: RotationAct, _ reason: Reason) -> [RotationStep] {
        cycle.renewedBearer ? waitForToken(act, reason) : renew(reason)
    }

    private mutating func renew(_ reason: Reason) -> [RotationStep] {
        lastReason = reason
        cycle.renewedBearer = true
        return [.commit, .renewBearer]
    }

    private mutating func wait(_ act: RotationAct, for lack: BearerLack, at moment: Moment) -> [RotationStep] {
        switch lack {
        case .token(let why):
            return waitForToken(act, why ?? lastReason ?? Reason("the backend does not accept the bearer token"))
        case .refresh(let why):
            let reason = Reason("the token could not be refreshed: \(why.what)", backendMessage: why.backendMessage)
            if plan.kind == .prove { return end(failed(reason)) }
            // Not sooner: a token that may be used up is not to be tried over and over.
            return endCycle(act, reason, retryAfter: nil, at: moment, RotationWait.Cause.refresh)
        }
    }

    private mutating func waitForToken(_ act: RotationAct, _ reason: Reason) -> [RotationStep] {
        if plan.kind == .prove { return end(.failed(reason, .withoutToken)) }
        if word == .applied { return stuck(reason) }
        return rest(RotationWait(resumes: act, cause: .token, reason: reason))
    }

    /// The same act again within this cycle, or a rest until the next one.
    private mutating func again(_ act: RotationAct, _ reason: Reason, retryAfter: Duration?, at moment: Moment) -> [RotationStep] {
        let ceiling = min(limits.backoffFirst * (1 << min(cycle.retries, 20)), limits.backoffMax)
        let delay = max(ceiling * moment.jitter, retryAfter ?? .zero)
        cycle.retries += 1
        if moment.inCycle + delay < limits.cycle {
            lastReason = reason
            return [.commit] + go(act, after: delay)
        }
        return endCycle(act, reason, retryAfter: retryAfter, at: moment, RotationWait.Cause.nextCycle)
    }

    private mutating func endCycle(
        _ act: RotationAct, _ reason: Reason, retryAfter: Duration?, at moment: Moment, _ cause: (Timestamp) -> RotationWait.Cause
    ) -> [RotationStep] {
        cyclesUsed += 1
        if cyclesUsed >= limits.cyclesMax, isNothingBegun { return end(failed(reason)) }
        if cyclesUsed >= limits.cyclesMax || word == .applied { return stuck(reason) }
        let gap = limits.cycleGaps[min(cyclesUsed, limits.cycleGaps.count) - 1]
        return rest(RotationWait(resumes: act, cause: cause(moment.now + max(gap, retryAfter ?? .zero)), reason: reason))
    }

    /// The act in a cycle of its own.
    private mutating func anew(_ act: RotationAct) -> [RotationStep] {
        cycle = Cycle()
        return go(act, after: .zero)
    }

    private mutating func go(_ act: RotationAct, after delay: Duration) -> [RotationStep] {
        phase = act.phase
        if case .put = act { attempts += 1 }
        return [.act(act, after: delay)]
    }

    private mutating func rest(_ wait: RotationWait) -> [RotationStep] {
        lastReason = wait.reason
        phase = .waiting(wait)
        return [.commit, .rest(wait)]
    }

    /// `applied` is the word that ends it, whatever the backend says: both versions are kept, and nothing counts as proven.
    private mutating func stuck(_ reason: Reason) -> [RotationStep] {
        lastReason = reason
        if word == .applied { return end(.failed(reason, .assumed)) }
        phase = .stuck(reason)
        return [.commit]
    }

    private mutating func end(_ ending: RotationEnding) -> [RotationStep] {
        phase = .ended(ending)
        return [.commit]
    }
}
