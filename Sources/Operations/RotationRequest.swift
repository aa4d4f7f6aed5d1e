package import Model
package import Rotations

/// What a caller may say with a request for a rotation.
package struct RotationRequest: Sendable, Equatable {
    package let kind: RotationPlan.Kind
    package var condition = Condition.now
    package var reason: String?
    package var isCompromised = false
    /// For `remote`: the fields to be changed.
    package var fields = RemoteFields()
    package var idempotencyKey: String?

    package enum Condition: Sendable, Equatable {
        case now, ifDue
    }

    package init(_ kind: RotationPlan.Kind) {
        self.kind = kind
    }

    /// What makes it another request under the same Idempotency-Key.
    var fingerprint: String {
        "\(kind.rawValue) \(condition) \(isCompromised) \(fields) \(reason ?? "")"
    }
}

/// What became of a request.
package enum RotationReply: Sendable {
    /// As it stood when it ended, got stuck, or rests; or at once where the caller did not want to wait.
    case rotation(Rotation)
    /// It is not known yet how it ends: as it stood, and why the answer does not wait for more.
    case interrupted(Rotation, Problem)
    /// Nothing was due: no rotation was made.
    case notDue(Timestamp?, String)
}

extension Rotation {
    /// Why it is not well, as an answer to who asked for it; `nil` while it runs and when it succeeded.
    package var problem: Problem? {
        let plan = machine.plan
        switch machine.phase {
        case .putting, .validating, .lookingUp, .ended(.succeeded), .ended(.cancelled): return nil
        case .waiting(let wait):
            switch wait.cause {
            case .token:
                return Problem(
                    .upstreamAuth, "The upstream '\(plan.upstream.name)' takes no bearer token of ours: \(wait.reason.what).",
                    nextStep: nextStep)
            case .nextCycle(let time):
                return Problem(
                    .upstreamUnreachable, "No usable answer yet: \(wait.reason.what). The next try is at \(time).", nextStep: nextStep)
            }
        case .stuck(let reason): return Problem(.stuck, "The rotation is stuck: \(reason.what).", nextStep: nextStep)
        case .ended(.rejected(let reason, _)):
            return Problem(
                .keyRejected,
                "Version \(version ?? 0) was rejected: \(reason.what).\(standingVersion == nil ? "" : " The earlier version is in place.")",
                nextStep: nextStep)
        case .ended(.failed(let reason, .stays)) where plan.kind == .remote:
            return Problem(
                .upstreamRefused,
                "The backend has the new fields, but its check fails: \(reason.what). Their earlier values are not known here.",
                nextStep: nextStep)
        case .ended(.failed(let reason, .stays)):
            return Problem(
                .keyRejected, "The backend has version \(version ?? standingVersion ?? 0), which does not work: \(reason.what).",
                nextStep: nextStep)
        case .ended(.failed(let reason, _)):
            return Problem(.upstreamRefused, "The backend refused: \(reason.what).", nextStep: nextStep)
        }
    }

    /// A command that goes on from here, where there is one.
    package var nextStep: String? {
        switch machine.phase {
        case .putting, .validating, .lookingUp, .ended(.succeeded(_, nil)), .ended(.cancelled): nil
        case .waiting(let wait):
            wait.cause == .token
                ? "keyturn upstream set \(machine.plan.upstream.name) --token-stdin"
                : "It goes on by itself; at once by: keyturn rotate \(config)"
        case .stuck:
            machine.plan.wayBack == .unknown
                ? "keyturn resolve \(id) --retry" : "keyturn resolve \(id) --retry, or --not-applied to put the earlier version back"
        case .ended(.succeeded(_, .some)): "keyturn prove \(config)"
        case .ended(.rejected): "Stage another credential: keyturn stage \(config)"
        case .ended(.failed(_, .stays)): "Stage a working credential: keyturn stage \(config), then keyturn rotate \(config)"
        case .ended(.failed(_, .stagedAgain)), .ended(.failed(_, .nothingChanged)):
            "Check the token's permissions and the remote id (keyturn config show \(config)), then: keyturn rotate \(config)"
        }
    }
}

extension Problem {
    static func rotationInProgress(_ name: ConfigName) -> Problem {
        Problem(.rotationInProgress, "A rotation of '\(name)' is under way.", nextStep: "keyturn history \(name)")
    }
}
