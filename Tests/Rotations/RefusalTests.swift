import Model
import Rotations
import Testing

extension RotationMachine {
    fileprivate mutating func put(_ which: CredentialsInPlay.Which, _ answers: PutAnswer...) {
        for answer in answers { _ = put(which, answered: answer, at: moment()) }
    }

    fileprivate mutating func validateThrice(_ which: CredentialsInPlay.Which, _ answer: ValidateAnswer) {
        for _ in 0..<3 { _ = validate(which, answered: answer, at: moment()) }
    }

    fileprivate var isStuck: Bool { if case .stuck = phase { true } else { false } }
}

/// What came before a refusal, after which the backend may hold the new credential.
private enum Earlier: CaseIterable, Sendable {
    case unknown, noVerdict, restart
    /// Stored, found not to work, and the put-back was refused: stuck, and taken up again.
    case retriedAfterAcceptance
    /// `success: false` may have stored it; without a way back it is stuck, and taken up again.
    case retriedAfterDenial

    func machine() throws -> RotationMachine {
        var machine = try begun(wayBack: self == .retriedAfterDenial ? .unknown : .open)
        switch self {
        case .unknown: machine.put(.offered, .unknown(reason, retryAfter: nil))
        case .noVerdict: machine.put(.offered, .noVerdict)
        case .restart: _ = machine.resumed()
        case .retriedAfterAcceptance:
            machine.put(.offered, .accepted)
            machine.validateThrice(.offered, .fails(reason))
            machine.put(.standing, .refused(reason))
            machine.resolve(.retry)
            _ = machine.begin()
        case .retriedAfterDenial:
            machine.put(.offered, .denied(reason))
            machine.resolve(.retry)
            _ = machine.begin()
        }
        return machine
    }
}

@Suite struct `A refusal when the backend may hold the new key already` {
    @Test(arguments: Earlier.allCases) private func `with 403 or 404 is stuck, since nothing shows which key is there`(_ earlier: Earlier)
        throws
    {
        var machine = try earlier.machine()
        machine.put(.offered, .refused(reason))
        #expect(machine.isStuck)
    }

    @Test(arguments: Earlier.allCases) private func `with 400 is never rejected on a guess`(_ earlier: Earlier) throws {
        var machine = try earlier.machine()
        machine.put(.offered, .rejected(reason))
        if machine.plan.wayBack == .open {
            #expect(machine.phase == .putting(.standing))
            machine.put(.standing, .accepted)
            _ = machine.validate(.standing, answered: .works, at: moment())
            #expect(machine.phase == .ended(.rejected(reason, warning: nil)))
        } else {
            #expect(machine.isStuck)
        }
    }

    @Test func `with 400 to a change of fields whose former values are not known is stuck as well`() throws {
        var machine = try begun(.remote, wayBack: .unknown)
        machine.put(.offered, .unknown(reason, retryAfter: nil), .rejected(reason))
        #expect(machine.isStuck)
    }
}

@Suite struct `A rotation on its way back` {
    private static func reverting() throws -> RotationMachine {
        var machine = try begun()
        machine.put(.offered, .denied(reason))
        #expect(machine.phase == .putting(.standing))
        return machine
    }

    @Test(arguments: [PutAnswer.denied(reason), .rejected(reason), .refused(reason)])
    func `that is refused is stuck`(_ answer: PutAnswer) throws {
        var machine = try Self.reverting()
        machine.put(.standing, answer)
        #expect(machine.isStuck)
        #expect(machine.resolutions == Resolution.allCases)
    }

    @Test func `renews its bearer, and waits for a token to go on backwards`() throws {
        var machine = try Self.reverting()
        machine.put(.standing, .unauthorized(reason))
        #expect(
            machine.bearerAnswered(.lacking(.token(nil)), at: moment()) == [
                .commit, .rest(RotationWait(resumes: .put(.standing), cause: .token, reason: reason)),
            ])
        #expect(machine.woken() == [.commit, .act(.put(.standing), after: .zero)])
    }

    @Test func `waits when its validate is told to slow down, and goes on with that`() throws {
        var machine = try Self.reverting()
        machine.put(.standing, .accepted)
        _ = machine.validate(.standing, answered: .tooMany(reason, retryAfter: .seconds(120)), at: moment())
        guard case .waiting(let wait) = machine.phase else { return #expect(Bool(false), "\(machine.phase)") }
        #expect(wait.resumes == .validate(.standing))
        #expect(machine.woken().last == .act(.validate(.standing), after: .zero))
        _ = machine.validate(.standing, answered: .works, at: moment())
        #expect(machine.phase == .ended(.rejected(reason, warning: nil)))
    }

    @Test func `shares the budget of cycles with the way there`() throws {
        var machine = try begun()
        for _ in 0..<9 {
            _ = machine.put(.offered, answered: .unknown(reason, retryAfter: nil), at: moment(inCycle: .seconds(60)))
            _ = machine.woken()
        }
        machine.put(.offered, .denied(reason))
        #expect(machine.phase == .putting(.standing))
        _ = machine.put(.standing, answered: .unknown(reason, retryAfter: nil), at: moment(inCycle: .seconds(60)))
        #expect(machine.isStuck)
    }

    @Test func `is not held by a pause before its first PUT, and is before it repeats that`() throws {
        var machine = try Self.reverting()
        #expect(!machine.isRetry(.put(.standing)) && !machine.isHeldByPause)
        machine.put(.standing, .unknown(reason, retryAfter: nil))
        #expect(machine.isRetry(.put(.standing)) && machine.isHeldByPause)
    }

    @Test func `goes on backwards after a restart, and rejects only what was really put back`() throws {
        var machine = try Self.reverting()
        _ = machine.resumed()
        machine.put(.standing, .refused(reason))
        #expect(machine.isStuck)
    }
}

@Suite struct `The operator's word that the new key was applied` {
    private static func said(wayBack: RotationPlan.WayBack = .open) throws -> RotationMachine {
        var machine = try begun(wayBack: wayBack)
        machine.put(.offered, .unknown(reason, retryAfter: nil), .refused(reason))
        machine.resolve(.applied)
        #expect(machine.begin() == [.act(.put(.offered), after: .zero)])
        return machine
    }

    @Test(arguments: [PutAnswer.refused(reason), .rejected(reason), .denied(reason), .unauthorized(reason)])
    func `ends the rotation even where the backend says no, and proves nothing`(_ answer: PutAnswer) throws {
        var machine = try Self.said()
        machine.put(.offered, answer)
        if machine.phase == .putting(.offered) { _ = machine.bearerAnswered(.lacking(.token(nil)), at: moment()) }
        if machine.phase == .putting(.standing) {
            Issue.record("it went back against the operator's word")
        }
        #expect(machine.phase == .ended(.failed(reason, .assumed)))
    }

    @Test func `ends it after one cycle without an answer`() throws {
        var machine = try Self.said()
        machine.put(.offered, .unknown(reason, retryAfter: nil))
        #expect(machine.phase == .putting(.offered))
        _ = machine.put(.offered, answered: .unknown(reason, retryAfter: nil), at: moment(inCycle: .seconds(60)))
        #expect(machine.phase == .ended(.failed(reason, .assumed)))
    }

    @Test func `keeps a key that does not work, as it was told to`() throws {
        var machine = try Self.said()
        machine.put(.offered, .accepted)
        machine.validateThrice(.offered, .fails(reason))
        #expect(machine.phase == .ended(.failed(reason, .stays)))
    }

    @Test func `is proven like any other where the backend confirms it`() throws {
        var machine = try Self.said(wayBack: .compromised)
        machine.put(.offered, .accepted)
        _ = machine.validate(.offered, answered: .works, at: moment())
        #expect(machine.phase == .ended(.succeeded(.proven, warning: nil)))
    }
}

@Suite struct `What was never sent` {
    @Test func `is no attempt where there was no bearer to send it with`() throws {
        var machine = try begun()
        let wait = RotationWait(resumes: .put(.offered), cause: .token, reason: Reason("the upstream has no bearer token"))
        #expect(machine.withoutBearer(.token(nil), at: moment()) == [.commit, .rest(wait)])
        #expect(machine.attempts == 0)
        #expect(machine.cancelled() == [.commit])
        #expect(machine.phase == .ended(.cancelled))
    }

    @Test func `is certain not to be stored when a credential can't be read, and uncertain later`() throws {
        var fresh = try begun()
        _ = fresh.unreadable(reason)
        #expect(fresh.phase == .ended(.failed(reason, .stagedAgain)))
        var resumed = try begun()
        _ = resumed.resumed()
        _ = resumed.unreadable(reason)
        #expect(resumed.isStuck)
    }
}

@Suite struct `A start of the daemon` {
    @Test func `begins a cycle at once and counts none`() throws {
        var machine = try begun()
        _ = machine.put(.offered, answered: .unknown(reason, retryAfter: nil), at: moment(inCycle: .seconds(60)))
        for _ in 0..<50 {
            #expect(machine.resumed().last == .act(.put(.offered), after: .zero))
            #expect(machine.cyclesUsed == 1)
        }
    }
}

@Suite struct `An accepted PUT that nothing proves` {
    @Test func `is unproven where proving is off and the backend gave no verdict`() throws {
        var machine = try begun(proves: false)
        machine.put(.offered, .noVerdict, .noVerdict)
        guard case .ended(.succeeded(.unproven, .some)) = machine.phase else { return #expect(Bool(false), "\(machine.phase)") }
    }
}
