package import Access
package import Model
package import Rotations
import Secrets
import Vault

extension VaultService {
    /// Begins a rotation (or joins the one under way) and waits for it where the caller wants that.
    package func rotate(_ name: ConfigName, _ request: RotationRequest, _ waiting: Waiting, as caller: Caller) async throws -> RotationReply
    {
        try policy.require(request.kind == .remote ? .bind : .rotate, on: .config(name), for: caller)
        let draft = RotationDraft(config: name, request: request, caller: caller, at: clock.now(), id: newRotationID(), limits: limits)
        // All local checks come before anything outside.
        switch try await read({ try draft.decide(in: $0) }) {
        case .notDue(let due, let why): return .notDue(due, why)
        case .join(let rotation): return try await answer(rotation, joining: request, waiting)
        case .make(let planned):
            try await requireRoom()
            let listed = try await requireOwnKey(of: planned)
            switch try await make(draft, listed) {
            case .notDue(let due, let why): return .notDue(due, why)
            case .join(let rotation): return try await answer(rotation, joining: request, waiting)
            case .make(let made):
                return try await answer(made.rotation, joining: nil, waiting)
            }
        }
    }

    /// Announced before it is durable, started after: whoever finds it in the journal can wait for it.
    private func make(_ draft: RotationDraft, _ listed: RemoteFields?) async throws -> RotationDraft.Decision {
        let runner = runner
        do {
            let decision = try await write { transaction in
                let change = try draft.make(in: &transaction, listed: listed)
                if case .changed(.make(let made), _) = change { runner.announce(made.rotation) }
                return change
            }
            if case .make(let made) = decision { runner.start(made.rotation) }
            return decision
        } catch {
            runner.withdraw(draft.id)
            throw error
        }
    }

    package enum Waiting: Sendable {
        case untilSettled, not
    }

    /// What a rotation would do now, without doing it.
    package func dryRun(_ name: ConfigName, _ request: RotationRequest, as caller: Caller) async throws -> Rotation? {
        try policy.require(.rotate, on: .config(name), for: caller)
        let draft = RotationDraft(config: name, request: request, caller: caller, at: clock.now(), id: newRotationID(), limits: limits)
        switch try await read({ try draft.decide(in: $0) }) {
        case .notDue: return nil
        case .join(let rotation): return rotation
        case .make(let made): return made.rotation
        }
    }

    private func newRotationID() -> RotationID {
        RotationID(at: clock.now(), random: random.bytes(10))
    }

    /// Refuses a configuration that takes its credential from a shared key; a backend without the list is no obstacle.
    private func requireOwnKey(of made: RotationDraft.Made) async throws -> RemoteFields? {
        let plan = made.rotation.machine.plan
        guard plan.kind != .prove, let bearer = try await bearers.bearer(of: plan.upstream) else { return nil }
        // Values that may have to go back must be those of now: an older list would put back what was changed since.
        let age = plan.fields.isEmpty ? limits.listAge : .zero
        switch await targets.target(at: plan.upstream).lookUp(plan.remoteID, noOlderThan: age, bearer: bearer.token.secret) {
        case .listed(_, usesSharedKey: true): throw Problem.sharedKey(plan.remoteID)
        case .listed(let fields, usesSharedKey: false): return fields
        case .missing, .unauthorized, .unavailable: return nil
        }
    }

    private func answer(_ rotation: Rotation, joining request: RotationRequest?, _ waiting: Waiting) async throws -> RotationReply {
        if let request, request.condition == .now, rotation.state == .waiting { runner.wake(rotation.id) }
        guard waiting == .untilSettled else { return .rotation(rotation) }
        switch await runner.settled(rotation.id) {
        case .settled: break
        case .storeFailed(let error):
            let problem = (error as? VaultError)?.problem
            throw Problem(
                problem?.code ?? .storeFailed,
                "The rotation \(rotation.id) can't go on for now. \(problem?.detail ?? "The vault can't be used.")",
                nextStep: problem?.nextStep ?? "keyturn status")
        case .halted:
            throw Problem(
                .stopping, "The daemon stops; the rotation \(rotation.id) is resumed when it is back.", nextStep: "keyturn history")
        }
        return .rotation(try await read { try $0.rotation(rotation.id) })
    }
}

extension Problem {
    static func sharedKey(_ id: RemoteID) -> Problem {
        Problem(
            .sharedKey, "The remote configuration '\(id)' takes its credential from a shared key, so that a PUT would change nothing.",
            nextStep: "Rotate the shared key at the backend, or give the configuration a key of its own.")
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
