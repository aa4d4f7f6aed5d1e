package import Model

/// Where a rotation stands. Legal exits:
/// `putting` → any; `validating` → any but `lookingUp` of the standing one; `lookingUp` → ended;
/// `waiting` → the act it resumes; `stuck` → `putting`, by the operator; `ended` → none.
package enum RotationPhase: Sendable, Equatable, Codable {
    case putting(CredentialsInPlay.Which)
    case validating(CredentialsInPlay.Which)
    /// The validate answered 404: is it the call or the configuration that is missing?
    case lookingUp(Reason)
    case waiting(RotationWait)
    case stuck(Reason)
    case ended(RotationEnding)
}

/// One outside act that may be repeated.
package enum RotationAct: Sendable, Equatable, Codable {
    case put(CredentialsInPlay.Which)
    case validate(CredentialsInPlay.Which)

    var phase: RotationPhase {
        switch self {
        case .put(let which): .putting(which)
        case .validate(let which): .validating(which)
        }
    }
}

/// A rotation that rests until its next cycle or a new bearer.
package struct RotationWait: Sendable, Equatable, Codable {
    package let resumes: RotationAct
    package let cause: Cause
    package let reason: Reason

    package init(resumes: RotationAct, cause: Cause, reason: Reason) {
        self.resumes = resumes
        self.cause = cause
        self.reason = reason
    }

    package enum Cause: Sendable, Equatable, Codable {
        case nextCycle(at: Timestamp)
        /// The next cycle, in which the refresh is tried again, or a bearer that comes sooner.
        case refresh(at: Timestamp)
        case token

        /// When it goes on by itself.
        package var nextTryAt: Timestamp? {
            switch self {
            case .nextCycle(let time), .refresh(let time): time
            case .token: nil
            }
        }
    }
}

/// How a rotation ended.
package enum RotationEnding: Sendable, Equatable, Codable {
    /// The offered version is current.
    case succeeded(Proof, warning: Reason?)
    /// The offered version is out; the standing one is in place.
    case rejected(Reason, warning: Reason?)
    case failed(Reason, Aftermath)
    case cancelled

    package enum Aftermath: String, Sendable, Codable {
        /// Nothing was stored: the offered version is staged again.
        case stagedAgain
        /// The offered version stays, though it does not work: there is nothing to go back to.
        case stays
        /// The offered version counts as stored by the operator's word alone: the backend neither confirmed nor took it now.
        case assumed
        /// No version was concerned.
        case nothingChanged
        /// Nor was it here: the backend takes no token of ours.
        case withoutToken
    }
}

/// What the driver is to do next, in this order.
package enum RotationStep: Sendable, Equatable {
    /// Make the machine's state durable before going on.
    case commit
    case act(RotationAct, after: Duration)
    case lookUp
    case renewBearer
    /// Rest until woken or until the time comes.
    case rest(RotationWait)
}

/// The operator's word on a stuck rotation. It is never believed: each puts a credential again and validates it.
package enum Resolution: String, Sendable, Codable, CaseIterable {
    /// The offered credential again, as at first: it may go back, and be stuck again.
    case retry
    /// The offered credential again, for one cycle at the most. Whatever comes of it, its version becomes current and the rotation ends.
    case applied
    /// The standing credential again.
    case notApplied = "not-applied"
}

/// When and by which luck an event came in.
package struct Moment: Sendable {
    package let now: Timestamp
    /// Monotonic time since the cycle began.
    package let inCycle: Duration
    /// 0..<1, for the back-off.
    package let jitter: Double

    package init(now: Timestamp, inCycle: Duration, jitter: Double) {
        self.now = now
        self.inCycle = inCycle
        self.jitter = jitter
    }
}
