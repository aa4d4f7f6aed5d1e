import Model
import Rotations
import Testing

@Suite struct `A rotation with nothing in its way` {
    @Test func `puts, validates and is proven, with one commit at its end`() throws {
        var machine = try begun()
        #expect(machine.put(.offered, answered: .accepted, at: moment()) == [.act(.validate(.offered), after: .zero)])
        #expect(machine.validate(.offered, answered: .works, at: moment()) == [.commit])
        #expect(machine.phase == .ended(.succeeded(.proven, warning: nil)))
        #expect(machine.attempts == 1)
    }

    @Test func `ends after the PUT where proving is off`() throws {
        var machine = try begun(proves: false)
        #expect(machine.put(.offered, answered: .accepted, at: moment()) == [.commit])
        #expect(machine.phase == .ended(.succeeded(.off, warning: nil)))
    }
}

@Suite struct `The check of a PUT that went through` {
    @Test func `is held by no pause, also after a PUT without an answer`() throws {
        var machine = try begun()
        _ = machine.put(.offered, answered: .unknown(reason, retryAfter: nil), at: moment())
        #expect(machine.put(.offered, answered: .accepted, at: moment()) == [.act(.validate(.offered), after: .zero)])
        #expect(!machine.isRetry(.validate(.offered)))
    }
}

@Suite struct `A PUT of which nothing went out` {
    @Test func `is tried again like one without an answer, but leaves nothing open`() throws {
        var machine = try begun()
        let steps = machine.put(.offered, answered: .notSent(reason), at: moment())
        #expect(steps == [.commit, .act(.put(.offered), after: .milliseconds(125))])
        #expect(machine.isNothingBegun && machine.isRetry(.put(.offered)))
    }

    @Test(arguments: [PutAnswer.rejected(reason), .refused(reason)]) func `lets a later no be what it is`(_ answer: PutAnswer) throws {
        var machine = try begun()
        _ = machine.put(.offered, answered: .notSent(reason), at: moment())
        #expect(machine.put(.offered, answered: answer, at: moment()) == [.commit])
        let ending: RotationEnding = answer == .rejected(reason) ? .rejected(reason, warning: nil) : .failed(reason, .stagedAgain)
        #expect(machine.phase == .ended(ending))
    }

    @Test func `counts as sent after a restart in the middle of the next try`() throws {
        var machine = try begun()
        _ = machine.put(.offered, answered: .notSent(reason), at: moment())
        #expect(!machine.isCancellable)
        _ = machine.resumed()
        #expect(machine.unresolved == [.offered] && !machine.isNothingBegun)
    }

    @Test func `rests, can be cancelled then, and goes back to be staged after ten cycles`() throws {
        var machine = try begun()
        for _ in 1..<10 {
            _ = machine.put(.offered, answered: .notSent(reason), at: moment(inCycle: .seconds(60)))
            #expect(machine.isCancellable)
            _ = machine.woken()
        }
        #expect(machine.put(.offered, answered: .notSent(reason), at: moment(inCycle: .seconds(60))) == [.commit])
        #expect(machine.phase == .ended(.failed(reason, .stagedAgain)))
    }

    @Test func `is no reason to forget what was to be put back`() throws {
        var machine = try begun()
        _ = machine.put(.offered, answered: .denied(reason), at: moment())
        for _ in 1..<10 {
            _ = machine.put(.standing, answered: .notSent(reason), at: moment(inCycle: .seconds(60)))
            #expect(!machine.isCancellable)
            _ = machine.woken()
        }
        _ = machine.put(.standing, answered: .notSent(reason), at: moment(inCycle: .seconds(60)))
        #expect(machine.phase == .stuck(reason))
    }
}

@Suite struct `An unknown answer to a PUT` {
    @Test func `is made durable before the same PUT goes out again`() throws {
        var machine = try begun()
        let steps = machine.put(.offered, answered: .unknown(reason, retryAfter: nil), at: moment())
        #expect(steps == [.commit, .act(.put(.offered), after: .milliseconds(125))])
        #expect(machine.unresolved == [.offered])
    }

    @Test func `doubles the back-off up to its ceiling`() throws {
        var machine = try begun()
        var delays: [Duration] = []
        for _ in 0..<8 {
            guard case .act(_, let delay) = machine.put(.offered, answered: .unknown(reason, retryAfter: nil), at: moment(jitter: 1)).last
            else {
                Issue.record("no further try")
                return
            }
            delays.append(delay)
        }
        #expect(delays == [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000].map { .milliseconds($0) })
    }

    @Test func `obeys Retry-After within the cycle`() throws {
        var machine = try begun()
        let steps = machine.put(.offered, answered: .unknown(reason, retryAfter: .seconds(30)), at: moment())
        #expect(steps.last == .act(.put(.offered), after: .seconds(30)))
    }

    @Test func `rests until the next cycle when this one is over`() throws {
        var machine = try begun()
        let steps = machine.put(.offered, answered: .unknown(reason, retryAfter: nil), at: moment(inCycle: .seconds(60)))
        let wait = RotationWait(resumes: .put(.offered), cause: .nextCycle(at: start + .seconds(300)), reason: reason)
        #expect(steps == [.commit, .rest(wait)])
    }

    @Test func `lets Retry-After beyond the cycle set the next one`() throws {
        var machine = try begun()
        let steps = machine.put(.offered, answered: .unknown(reason, retryAfter: .seconds(7200)), at: moment())
        #expect(steps.last == .rest(RotationWait(resumes: .put(.offered), cause: .nextCycle(at: start + .seconds(7200)), reason: reason)))
    }

    @Test func `is stuck after ten cycles`() throws {
        var machine = try begun()
        for _ in 1..<10 {
            _ = machine.put(.offered, answered: .unknown(reason, retryAfter: nil), at: moment(inCycle: .seconds(60)))
            #expect(machine.woken() == [.commit, .act(.put(.offered), after: .zero)])
        }
        #expect(machine.put(.offered, answered: .unknown(reason, retryAfter: nil), at: moment(inCycle: .seconds(60))) == [.commit])
        #expect(machine.phase == .stuck(reason))
        #expect(machine.resolutions == [.retry, .applied, .notApplied])
    }

    @Test(arguments: [PutAnswer.refused(reason)]) func `makes a later refusal stuck, never rejected on a guess`(_ answer: PutAnswer) throws
    {
        var machine = try begun()
        _ = machine.put(.offered, answered: .unknown(reason, retryAfter: nil), at: moment())
        #expect(machine.put(.offered, answered: answer, at: moment()) == [.commit])
        #expect(machine.phase == .stuck(reason))
    }

    @Test func `followed by a 400 puts the earlier version back, which gives certainty`() throws {
        var machine = try begun()
        _ = machine.put(.offered, answered: .unknown(reason, retryAfter: nil), at: moment())
        #expect(machine.put(.offered, answered: .rejected(reason), at: moment()) == [.commit, .act(.put(.standing), after: .zero)])
        _ = machine.put(.standing, answered: .accepted, at: moment())
        _ = machine.validate(.standing, answered: .works, at: moment())
        #expect(machine.phase == .ended(.rejected(reason, warning: nil)))
    }
}

@Suite struct `A refusal of the first PUT` {
    @Test func `with 400 rejects the version`() throws {
        var machine = try begun()
        #expect(machine.put(.offered, answered: .rejected(reason), at: moment()) == [.commit])
        #expect(machine.phase == .ended(.rejected(reason, warning: nil)))
    }

    @Test func `with 403, 404 or a redirect stages it again`() throws {
        var machine = try begun()
        _ = machine.put(.offered, answered: .refused(reason), at: moment())
        #expect(machine.phase == .ended(.failed(reason, .stagedAgain)))
    }

    @Test func `with 401 renews the bearer once, then waits for a token`() throws {
        var machine = try begun()
        #expect(machine.put(.offered, answered: .unauthorized(reason), at: moment()) == [.commit, .renewBearer])
        #expect(machine.bearerAnswered(.renewed, at: moment()) == [.act(.put(.offered), after: .zero)])
        let wait = RotationWait(resumes: .put(.offered), cause: .token, reason: reason)
        #expect(machine.put(.offered, answered: .unauthorized(reason), at: moment()) == [.commit, .rest(wait)])
        #expect(machine.woken() == [.commit, .act(.put(.offered), after: .zero)])
    }

    @Test func `with 401 rests until the next cycle where the refresh came to no answer`() throws {
        var machine = try begun()
        _ = machine.put(.offered, answered: .unauthorized(reason), at: moment())
        let why = Reason("the token could not be refreshed: the backend answered 503")
        let wait = RotationWait(resumes: .put(.offered), cause: .refresh(at: start + machine.limits.cycleGaps[0]), reason: why)
        let lack = BearerRenewal.lacking(.refresh(Reason("the backend answered 503")))
        #expect(machine.bearerAnswered(lack, at: moment()) == [.commit, .rest(wait)])
        #expect(machine.cyclesUsed == 1 && machine.isCancellable)
        #expect(machine.woken() == [.commit, .act(.put(.offered), after: .zero)])
        #expect(machine.put(.offered, answered: .unauthorized(reason), at: moment()) == [.commit, .renewBearer])
    }

    @Test func `with 401 fails after the last cycle without a refresh`() throws {
        var machine = try begun()
        for _ in 0..<machine.limits.cyclesMax {
            _ = machine.put(.offered, answered: .unauthorized(reason), at: moment())
            _ = machine.bearerAnswered(.lacking(.refresh(reason)), at: moment())
            _ = machine.woken()
        }
        #expect(machine.phase == .ended(.failed(Reason("the token could not be refreshed: seen"), .stagedAgain)))
    }

    @Test func `with 401 to a bearer that was just refreshed for another waits for a token at once`() throws {
        var machine = try begun()
        _ = machine.put(.offered, answered: .unauthorized(reason), at: moment())
        _ = machine.bearerAnswered(.lacking(.refresh(reason)), at: moment())
        #expect(machine.wokenByRefresh() == [.commit, .act(.put(.offered), after: .zero)])
        let wait = RotationWait(resumes: .put(.offered), cause: .token, reason: reason)
        #expect(machine.put(.offered, answered: .unauthorized(reason), at: moment()) == [.commit, .rest(wait)])
    }

    @Test func `with 401 ends a check that can't refresh its bearer, and says so`() throws {
        var machine = try begun(.prove)
        _ = machine.validate(.offered, answered: .unauthorized(reason), at: moment())
        _ = machine.bearerAnswered(.lacking(.refresh(reason)), at: moment())
        #expect(machine.phase == .ended(.failed(Reason("the token could not be refreshed: seen"), .nothingChanged)))
    }

    @Test func `by success false puts the earlier version back`() throws {
        var machine = try begun()
        #expect(machine.put(.offered, answered: .denied(reason), at: moment()) == [.commit, .act(.put(.standing), after: .zero)])
        #expect(machine.verdict == reason)
    }

    @Test func `by success false is stuck where nothing earlier is known`() throws {
        var machine = try begun(wayBack: .unknown)
        #expect(machine.put(.offered, answered: .denied(reason), at: moment()) == [.commit])
        #expect(machine.phase == .stuck(reason))
        #expect(machine.resolutions == [.retry, .applied])
    }
}

@Suite struct `A PUT without a verdict` {
    @Test func `is asked once more, then validated, and stays unproven`() throws {
        var machine = try begun()
        #expect(machine.put(.offered, answered: .noVerdict, at: moment()) == [.commit, .act(.put(.offered), after: .zero)])
        #expect(machine.put(.offered, answered: .noVerdict, at: moment()) == [.act(.validate(.offered), after: .zero)])
        _ = machine.validate(.offered, answered: .works, at: moment())
        guard case .ended(.succeeded(.unproven, .some)) = machine.phase else {
            Issue.record("\(machine.phase)")
            return
        }
    }
}

@Suite struct `A validate that says no` {
    @Test func `is repeated three times, then the earlier version goes back`() throws {
        var machine = try begun()
        _ = machine.put(.offered, answered: .accepted, at: moment())
        let again = [RotationStep.act(.validate(.offered), after: .milliseconds(2500))]
        #expect(machine.validate(.offered, answered: .fails(reason), at: moment()) == again)
        #expect(machine.validate(.offered, answered: .fails(reason), at: moment()) == again)
        #expect(machine.validate(.offered, answered: .fails(reason), at: moment()) == [.commit, .act(.put(.standing), after: .zero)])
    }

    @Test(arguments: [RotationPlan.WayBack.unknown, .compromised])
    func `leaves the version where there is no way back`(_ wayBack: RotationPlan.WayBack) throws {
        var machine = try begun(wayBack: wayBack)
        _ = machine.put(.offered, answered: .accepted, at: moment())
        for _ in 0..<3 { _ = machine.validate(.offered, answered: .fails(reason), at: moment()) }
        #expect(machine.phase == .ended(.failed(reason, .stays)))
    }

    @Test func `of the earlier version as well is stuck`() throws {
        var machine = try begun()
        _ = machine.put(.offered, answered: .denied(reason), at: moment())
        _ = machine.put(.standing, answered: .accepted, at: moment())
        for _ in 0..<3 { _ = machine.validate(.standing, answered: .fails(reason), at: moment()) }
        #expect(machine.phase == .stuck(reason))
    }
}

@Suite struct `A validate that tells nothing` {
    @Test(arguments: [ValidateAnswer.unsupported(reason)]) func `leaves the version unproven at once where there is no such call`(
        _ answer: ValidateAnswer
    ) throws {
        var machine = try begun()
        _ = machine.put(.offered, answered: .accepted, at: moment())
        #expect(machine.validate(.offered, answered: answer, at: moment()) == [.commit])
        #expect(machine.phase == .ended(.succeeded(.unproven, warning: reason)))
    }

    @Test func `leaves it unproven after three tries`() throws {
        var machine = try begun()
        _ = machine.put(.offered, answered: .accepted, at: moment())
        for _ in 0..<3 { _ = machine.validate(.offered, answered: .inconclusive(reason), at: moment()) }
        #expect(machine.phase == .ended(.succeeded(.unproven, warning: reason)))
    }

    @Test func `with 404 looks whether the configuration is still there`() throws {
        var gone = try begun()
        _ = gone.put(.offered, answered: .accepted, at: moment())
        #expect(gone.validate(.offered, answered: .notFound(reason), at: moment()) == [.lookUp])
        var there = gone
        _ = gone.lookUpAnswered(.missing)
        guard case .ended(.failed(_, .stagedAgain)) = gone.phase else {
            Issue.record("\(gone.phase)")
            return
        }
        _ = there.lookUpAnswered(.unavailable(reason))
        #expect(there.phase == .ended(.succeeded(.unproven, warning: reason)))
    }
}

@Suite struct `After a restart` {
    @Test func `a PUT under way counts as unknown and goes out again`() throws {
        var machine = try machine()
        #expect(machine.resumed() == [.commit, .act(.put(.offered), after: .zero)])
        _ = machine.put(.offered, answered: .refused(reason), at: moment())
        #expect(machine.phase == .stuck(reason))
    }

    @Test func `a rotation on its way back goes on backwards`() throws {
        var machine = try begun()
        _ = machine.put(.offered, answered: .denied(reason), at: moment())
        #expect(machine.resumed() == [.commit, .act(.put(.standing), after: .zero)])
    }

    @Test func `what had ended or is stuck stays so`() throws {
        var machine = try begun(wayBack: .unknown)
        _ = machine.put(.offered, answered: .denied(reason), at: moment())
        #expect(machine.resumed() == [])
    }
}

@Suite struct `A stuck rotation` {
    @Test(arguments: [Resolution.retry, .applied]) func `puts the new version again, whatever the operator believes`(_ word: Resolution)
        throws
    {
        var machine = try begun()
        _ = machine.put(.offered, answered: .unknown(reason, retryAfter: nil), at: moment())
        _ = machine.put(.offered, answered: .refused(reason), at: moment())
        machine.resolve(word)
        #expect(machine.begin() == [.act(.put(.offered), after: .zero)])
    }

    @Test func `puts the earlier version again when told that the new one was not applied`() throws {
        var machine = try begun()
        _ = machine.put(.offered, answered: .unknown(reason, retryAfter: nil), at: moment())
        _ = machine.put(.offered, answered: .refused(reason), at: moment())
        machine.resolve(.notApplied)
        #expect(machine.begin() == [.act(.put(.standing), after: .zero)])
    }
}

@Suite struct `Proving the current version` {
    @Test func `counts only what its own PUT and a validate show together`() throws {
        var put = RotationMachine(plan: try machine(.prove).plan, wasAccepted: true)
        #expect(put.begin() == [.act(.validate(.offered), after: .zero)])
        _ = put.validate(.offered, answered: .works, at: moment())
        #expect(put.phase == .ended(.succeeded(.proven, warning: nil)))
        var adopted = try machine(.prove)
        _ = adopted.begin()
        _ = adopted.validate(.offered, answered: .works, at: moment())
        guard case .ended(.succeeded(.unproven, .some)) = adopted.phase else {
            Issue.record("\(adopted.phase)")
            return
        }
    }
}

@Suite struct `Putting the earlier version back` {
    @Test func `without a confirmation is stuck, since either key may be there and both may work`() throws {
        var machine = try begun()
        _ = machine.put(.offered, answered: .denied(reason), at: moment())
        _ = machine.put(.standing, answered: .noVerdict, at: moment())
        _ = machine.put(.standing, answered: .noVerdict, at: moment())
        #expect(machine.validate(.standing, answered: .works, at: moment()) == [.commit])
        guard case .stuck = machine.phase else {
            Issue.record("\(machine.phase)")
            return
        }
    }

    @Test func `without a confirmation ends with a warning where the new key failed its proof`() throws {
        var machine = try begun()
        _ = machine.put(.offered, answered: .accepted, at: moment())
        for _ in 0..<3 { _ = machine.validate(.offered, answered: .fails(reason), at: moment()) }
        _ = machine.put(.standing, answered: .noVerdict, at: moment())
        _ = machine.put(.standing, answered: .noVerdict, at: moment())
        _ = machine.validate(.standing, answered: .works, at: moment())
        #expect(
            machine.phase
                == .ended(.rejected(reason, warning: Reason("the backend did not say that it stored the earlier credential"))))
    }

    @Test func `that is not even validated is stuck without a confirmation`() throws {
        var machine = try begun()
        _ = machine.put(.offered, answered: .denied(reason), at: moment())
        _ = machine.put(.standing, answered: .noVerdict, at: moment())
        _ = machine.put(.standing, answered: .noVerdict, at: moment())
        for _ in 0..<3 { _ = machine.validate(.standing, answered: .inconclusive(reason), at: moment()) }
        guard case .stuck = machine.phase else {
            Issue.record("\(machine.phase)")
            return
        }
    }
}
