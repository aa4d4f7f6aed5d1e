package import Access
package import Model
package import Rotations
import Secrets

/// What a rotation would do at this moment.
package enum DryRunAnswer: Sendable {
    case notDue(Timestamp?, String)
    /// It would only wait for this one.
    case joins(Rotation)
    /// It would begin this one.
    case begins(Rotation, SharedKeyCheck)

    /// Whether the remote configuration takes its credential from a shared key.
    package enum SharedKeyCheck: Sendable, Equatable {
        case ownKey
        case notListed
        /// Why the backend's list was of no use; a rotation goes on without it.
        case unchecked(String)
    }
}

extension VaultService {
    /// Refuses what a rotation would be refused for. Nothing is written, and nothing sent but the request for the backend's list.
    package func dryRun(_ name: ConfigName, _ request: RotationRequest, as caller: Caller) async throws -> DryRunAnswer {
        try caller.require(.rotate, on: .config(name))
        let draft = RotationDraft(
            config: name, request: request, caller: caller, at: clock.now(), id: newRotationID(), limits: limits, stragglers: stragglers)
        switch try await read({ try draft.decide(in: $0) }) {
        case .notDue(let due, let why): return .notDue(due, why)
        case .join(let rotation), .joinNewly(let rotation): return .joins(rotation)
        case .make(let made):
            let (check, listed) = try await sharedKeyCheck(of: made)
            // What the list says may be what was missing.
            guard case .make(let known) = try await read({ try draft.decide(in: $0, listed: listed) }) else {
                throw Problem(.changedMeanwhile, "The config '\(name)' changed meanwhile.", nextStep: NextStep.showConfig(name))
            }
            return .begins(known.rotation, check)
        }
    }

    private func sharedKeyCheck(of made: RotationDraft.Made) async throws -> (DryRunAnswer.SharedKeyCheck, RemoteFields?) {
        guard let bearer = try await bearers.bearerAtHand(of: made.rotation.machine.plan.upstream) else {
            return (.unchecked("there is no bearer token at hand"), nil)
        }
        switch try await lookUp(made, with: bearer) {
        case .listed(let fields, _): return (.ownKey, fields)
        case .missing: return (.notListed, nil)
        case .unauthorized(let reason), .unavailable(let reason): return (.unchecked(reason.what), nil)
        }
    }
}
