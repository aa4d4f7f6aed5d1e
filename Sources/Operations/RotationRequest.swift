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
    package func problem(nextStep: String?) -> Problem? {
        let plan = machine.plan
        func problem(_ code: Problem.Code, _ detail: String) -> Problem { Problem(code, detail, nextStep: nextStep) }
        switch machine.phase {
        case .putting, .validating, .lookingUp, .ended(.succeeded), .ended(.cancelled): return nil
        case .waiting(let wait):
            switch wait.cause {
            case .token:
                return problem(.upstreamAuth, "The upstream '\(plan.upstream.name)' takes no bearer token of ours: \(wait.reason.what).")
            case .nextCycle(let time), .refresh(let time):
                return problem(
                    .upstreamUnreachable, "No usable answer yet: \(wait.reason.what). It goes on by itself; the next try is at \(time).")
            }
        case .stuck(let reason): return problem(.stuck, "The rotation is stuck: \(reason.what). \(waysOut)")
        case .ended(.rejected(let reason, _)) where plan.kind == .remote:
            return problem(.keyRejected, "The new fields were rejected: \(reason.what). The earlier ones are in place.")
        case .ended(.rejected(let reason, _)):
            return problem(
                .keyRejected,
                "Version \(version ?? 0) was rejected: \(reason.what).\(standingVersion == nil ? "" : " The earlier version is in place.")")
        case .ended(.failed(let reason, .stays)) where plan.kind == .remote:
            return problem(
                .upstreamRefused,
                "The backend has the new fields, but its check fails: \(reason.what). Their earlier values are not known here.")
        case .ended(.failed(let reason, .stays)):
            return problem(
                .keyRejected, "The backend has version \(version ?? standingVersion ?? 0), which does not work: \(reason.what).")
        case .ended(.failed(let reason, .assumed)):
            let what = version.map { "Version \($0) counts as current" } ?? "The new fields count as stored"
            return problem(.upstreamRefused, "\(what) because the operator said so, without the backend's word: \(reason.what).")
        case .ended(.failed(let reason, .stagedAgain)):
            let again =
                plan.kind == .rollback ? "" : " Version \(version ?? 0) is staged again: check the token's permissions and the remote id."
            return problem(.upstreamRefused, "Nothing was changed: \(reason.what).\(again)")
        case .ended(.failed(let reason, .nothingChanged)): return problem(.upstreamRefused, "Nothing was changed: \(reason.what).")
        case .ended(.failed(let reason, .withoutToken)):
            return problem(
                .upstreamAuth, "The upstream '\(plan.upstream.name)' takes no bearer token of ours: \(reason.what). Nothing was changed.")
        }
    }
}
