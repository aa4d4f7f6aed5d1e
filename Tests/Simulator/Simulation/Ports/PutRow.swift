import Rotations

/// What the backend does with one PUT: every row of the table in issue 3, with and without the effect where the row leaves that open.
package enum PutRow: String, CaseIterable, Sendable {
    case accepted
    case deniedStored, deniedNotStored
    case noVerdictStored, noVerdictNotStored
    case rejected, unauthorized
    case forbidden, notFound, redirected, otherRefusal
    case refusedConnection, droppedAfterEffect
    case timedOutNever, timedOutStored, timedOutLate, timedOutVeryLate
    case requestTimeoutLate, tooEarly, throttled, throttledForLong
    case serverErrorStored, serverErrorNotStored, serverErrorLate
    case garbageStored, garbageNotStored, wrongIDStored, otherSuccessNotStored

    enum Effect: Sendable {
        case never
        /// With the answer, or before it.
        case atOnce
        /// So long after the answer: a straggler.
        case late(Duration)
    }

    var effect: Effect {
        switch self {
        case .accepted, .deniedStored, .noVerdictStored, .droppedAfterEffect, .timedOutStored, .serverErrorStored, .garbageStored,
            .wrongIDStored:
            .atOnce
        case .timedOutLate, .requestTimeoutLate, .serverErrorLate: .late(.seconds(4))
        case .timedOutVeryLate: .late(.seconds(900))
        case .deniedNotStored, .noVerdictNotStored, .rejected, .unauthorized, .forbidden, .notFound, .redirected, .otherRefusal,
            .refusedConnection, .timedOutNever, .tooEarly, .throttled, .throttledForLong, .serverErrorNotStored, .garbageNotStored,
            .otherSuccessNotStored:
            .never
        }
    }

    var answer: PutAnswer {
        let reason = Reason("the backend answered: \(rawValue)")
        return switch self {
        case .accepted: .accepted
        case .deniedStored, .deniedNotStored: .denied(reason)
        case .noVerdictStored, .noVerdictNotStored: .noVerdict
        case .rejected: .rejected(reason)
        case .unauthorized: .unauthorized(reason)
        case .forbidden, .notFound, .redirected, .otherRefusal: .refused(reason)
        case .throttled: .unknown(reason, retryAfter: .seconds(2))
        case .throttledForLong: .unknown(reason, retryAfter: .seconds(900))
        case .refusedConnection: .notSent(reason)
        case .droppedAfterEffect, .timedOutNever, .timedOutStored, .timedOutLate, .timedOutVeryLate,
            .requestTimeoutLate, .tooEarly, .serverErrorStored, .serverErrorNotStored, .serverErrorLate, .garbageStored,
            .garbageNotStored, .wrongIDStored, .otherSuccessNotStored:
            .unknown(reason, retryAfter: nil)
        }
    }

    /// How long the caller waits for it: 15 s is where it gives up.
    var latency: Duration {
        switch self {
        case .timedOutNever, .timedOutStored, .timedOutLate, .timedOutVeryLate: .seconds(15)
        default: .milliseconds(40)
        }
    }

    /// The longest that a PUT can land after its caller gave up; well within the horizon that the product counts with.
    static let stragglerMax = Duration.seconds(900)
}

/// What the backend says to one validate.
package enum ValidateRow: String, CaseIterable, Sendable {
    /// Whether the stored key works.
    case truthful
    case fails, notFound, unsupported, unauthorized, tooMany, tooManyForLong, inconclusive

    func answer(keyWorks: Bool) -> ValidateAnswer {
        let reason = Reason("the validate said: \(rawValue)")
        return switch self {
        case .truthful: keyWorks ? .works : .fails(Reason("the provider does not take the key"))
        case .fails: .fails(reason)
        case .notFound: .notFound(reason)
        case .unsupported: .unsupported(reason)
        case .unauthorized: .unauthorized(reason)
        case .tooMany: .tooMany(reason, retryAfter: .seconds(1))
        case .tooManyForLong: .tooMany(reason, retryAfter: .seconds(600))
        case .inconclusive: .inconclusive(reason)
        }
    }
}

/// What becomes of one refresh.
package enum RefreshRow: String, CaseIterable, Sendable {
    case refreshed, refreshedWithNewToken
    case refused, refusedConnection
    /// The answer is lost; the old refresh token is used up, or isn't.
    case unknownUsedUp, unknownUntouched
}
