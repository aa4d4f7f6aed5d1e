package import Access
package import Model
import Rotations
import Secrets
import Vault

extension VaultService {
    /// Begins a rotation (or joins the one under way) and waits for it where the caller wants that.
    package func rotate(_ name: ConfigName, _ request: RotationRequest, _ waiting: Waiting, as caller: Caller) async throws -> RotationReply
    {
        try caller.require(request.kind == .remote ? .bind : .rotate, on: .config(name))
        let draft = RotationDraft(
            config: name, request: request, caller: caller, at: clock.now(), id: newRotationID(), limits: limits, stragglers: stragglers)
        // All local checks come before anything outside.
        switch try await read({ try draft.decide(in: $0) }) {
        case .notDue(let due, let why): return .notDue(due, why)
        case .join(let rotation): return try await answer(rotation, joining: request, waiting)
        case .joinNewly: return try await begin(draft, nil, waiting)
        case .make(let planned):
            try await requireRoom()
            return try await begin(draft, try await requireOwnKey(of: planned), waiting)
        }
    }

    private func begin(_ draft: RotationDraft, _ listed: RemoteFields?, _ waiting: Waiting) async throws -> RotationReply {
        switch try await make(draft, listed) {
        case .notDue(let due, let why): .notDue(due, why)
        case .join(let rotation), .joinNewly(let rotation): try await answer(rotation, joining: draft.request, waiting)
        case .make(let made): try await answer(made.rotation, joining: nil, waiting)
        }
    }

    /// Announced before it is durable, started after: whoever finds it in the journal can wait for it.
    private func make(_ draft: RotationDraft, _ listed: RemoteFields?) async throws -> RotationDraft.Decision {
        let runner = runner
        do {
            let decision = try await write { transaction in
                let change = try draft.make(in: &transaction, listed: listed)
                if case .changed(.make(let made), _) = change { runner.announce(new: made.rotation) }
                return change
            }
            if case .make(let made) = decision { runner.start(made.rotation) }
            return decision
        } catch {
            await withdraw(draft.id)
            throw error
        }
    }

    /// The announced change of a rotation was not confirmed. A commit that failed may have reached the disk all the same: then it is driven
    /// as after a restart, which makes it durable anew before anything goes out.
    func withdraw(_ id: RotationID) async {
        runner.withdraw(id)
        if let rotation = try? await read({ try $0.get(.rotation, .timed(id)) }) { runner.takeUp(rotation) }
    }

    package enum Waiting: Sendable {
        case untilSettled, not
    }

    func newRotationID() -> RotationID {
        RotationID(at: clock.now(), random: random.bytes(10))
    }

    /// Refuses a configuration that takes its credential from a shared key; a backend without the list is no obstacle.
    private func requireOwnKey(of made: RotationDraft.Made) async throws -> RemoteFields? {
        let plan = made.rotation.machine.plan
        guard plan.kind != .prove, case .bearer(let bearer) = try await bearers.bearer(of: plan.upstream, for: .new) else { return nil }
        guard case .listed(let fields, _) = try await lookUp(made, with: bearer) else { return nil }
        return fields
    }

    /// What the backend's list says of the configuration that `made` is for. Refused where a PUT would change nothing.
    func lookUp(_ made: RotationDraft.Made, with bearer: Bearer) async throws -> LookUpAnswer {
        let plan = made.rotation.machine.plan
        // Values that may have to go back must be those of now: an older list would put back what was changed since.
        let age = plan.fields.isEmpty ? limits.listAge : .zero
        let target = targets.target(at: plan.upstream)
        var answer = await target.lookUp(plan.remoteID, noOlderThan: age, bearer: bearer.token.secret)
        if case .listed(_, usesSharedKey: true) = answer, age > .zero {
            // It may have got a key of its own since: whoever follows the advice is not refused for what was.
            answer = await target.lookUp(plan.remoteID, noOlderThan: .zero, bearer: bearer.token.secret)
        }
        if case .listed(_, usesSharedKey: true) = answer {
            // Only the backend's side can be mended; this says which configuration it is, and where.
            throw Problem.sharedKey(plan.remoteID, nextStep: NextStep.showConfig(made.config.name))
        }
        return answer
    }

    /// `joining`: for whom it is driven on where nobody does, and woken.
    func answer(_ rotation: Rotation, joining request: RotationRequest?, _ waiting: Waiting) async throws -> RotationReply {
        if let request {
            runner.takeUp(rotation)
            if request.condition == .now, rotation.state == .waiting { runner.wake(rotation.id) }
        }
        guard waiting == .untilSettled else { return .rotation(rotation) }
        let settling = await runner.settled(rotation.id)
        let latest = try await read { try $0.rotation(rotation.id) }
        // It may have ended all the same, between the two.
        guard !latest.state.hasEnded else { return .rotation(latest) }
        switch settling {
        case .settled: return .rotation(latest)
        case .storeFailed(let error):
            let problem = (error as? VaultError)?.problem
            return .interrupted(
                latest,
                Problem(
                    problem?.code ?? .storeFailed,
                    "The rotation \(rotation.id) can't go on for now. \(problem?.detail ?? "The vault can't be used.")",
                    nextStep: problem?.nextStep ?? "keyturn status"))
        case .halted:
            return .interrupted(
                latest,
                Problem(
                    .stopping, "The daemon stops; the rotation \(rotation.id) is resumed when it is back.",
                    nextStep: NextStep.history(rotation.config)))
        }
    }
}

extension Problem {
    static func sharedKey(_ id: RemoteID, nextStep: String) -> Problem {
        Problem(
            .sharedKey,
            "The remote configuration '\(id)' takes its credential from a shared key, so that a PUT would change nothing: rotate the shared key at the backend, or give the configuration a key of its own, then try again.",
            nextStep: nextStep)
    }
}

extension RecordReader {
    func rotation(_ id: RotationID) throws -> Rotation {
        guard let rotation = try get(.rotation, .timed(id)) else {
            throw Problem(.unknownRotation, "There is no rotation '\(id)'.", nextStep: "keyturn history")
        }
        return rotation
    }
}
