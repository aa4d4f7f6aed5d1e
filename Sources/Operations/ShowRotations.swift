package import Access
package import Model
package import Rotations
import Vault

extension Rotation {
    /// Spares reading the config of what went well.
    fileprivate var mayHaveNextStep: Bool {
        if case .ended(.succeeded(_, nil)) = machine.phase { false } else { true }
    }
}

extension VaultService {
    package func rotation(_ id: RotationID, as caller: Caller) async throws -> Rotation {
        let rotation = try await read { try $0.rotation(id) }
        try requireVisible(rotation, .read, as: caller)
        return rotation
    }

    /// Newest first; of one config, or of all that the caller may see.
    package func rotations(
        of config: ConfigName?, after: [UInt8]?, limit: Int, as caller: Caller
    ) async throws -> (items: [Rotation], next: [UInt8]?) {
        if let config {
            try caller.require(.read, on: .config(config))
            let page = try await read { view in
                try view.list(.history, under: config.description, after: after, order: .descending, limit: limit).map { pointer in
                    (pointer.cursor, try view.rotation(pointer.value.id))
                }
            }
            // The history of a config that was purged is still there; a name that never was gets told so.
            if page.isEmpty, after == nil { _ = try await read { try $0.config(config) } }
            return (page.map(\.1), page.count < limit ? nil : page.last?.0)
        }
        let page = try await read { view in
            try view.list(.rotation, after: after, order: .descending, limit: limit).map { ($0.cursor, $0.value) }
        }
        let visible = page.map(\.1).filter { caller.may(.read, on: .config($0.config)) }
        return (visible, page.count < limit ? nil : page.last?.0)
    }

    /// What there is to do about each of them now; those that need nothing are left out.
    package func nextSteps(after rotations: [Rotation]) async throws -> [RotationID: String] {
        let now = clock.now()
        let open = rotations.filter(\.mayHaveNextStep)
        guard !open.isEmpty else { return [:] }
        return try await read { view in
            var steps: [RotationID: String] = [:]
            for rotation in open {
                let config = try view.get(.config, .named(rotation.config))
                guard let config, let step = rotation.nextStep(in: config, at: now) else { continue }
                // In quarantine only what was begun in it goes on.
                let quarantine = try view.quarantine(of: config).flatMap {
                    $0.id == rotation.quarantine && !rotation.state.hasEnded ? nil : $0
                }
                steps[rotation.id] = try quarantine?.nextStep(for: config.name) ?? view.withTokenOfNow(step, for: config)
            }
            return steps
        }
    }

    /// Drives a stuck rotation on. The operator's word is never believed: what it names is put again and validated.
    package func resolve(
        _ id: RotationID, _ resolution: Resolution, _ waiting: Waiting, as caller: Caller
    ) async throws -> RotationReply {
        let rotation = try await read { try $0.rotation(id) }
        try requireVisible(rotation, .rotate, as: caller)
        guard rotation.machine.resolutions.contains(resolution) else {
            let ways = rotation.machine.resolutions.map { "--\($0.rawValue)" }.joined(separator: ", ")
            throw Problem(
                .badRequest,
                ways.isEmpty
                    ? "The rotation \(id) is \(rotation.state.rawValue), not stuck."
                    : "The rotation \(id) can't be resolved so: no earlier version is known that could be put back. Possible: \(ways).",
                nextStep: NextStep.show(id))
        }
        let now = clock.now()
        let runner = runner
        let resolved: Rotation
        do {
            resolved = try await write { transaction in
                var rotation = try transaction.rotation(id)
                // Only one of several operators: for the next one it is not stuck any more.
                let config = try transaction.config(rotation.config).value
                guard rotation.machine.resolutions.contains(resolution) else { throw rotation.inTheWay(of: config, at: now) }
                if let quarantine = try transaction.quarantine(of: config), rotation.quarantine != quarantine.id {
                    throw quarantine.problem(of: rotation.config)
                }
                guard !config.isPaused(at: now) else {
                    throw Problem(
                        .paused, "The config '\(config.name)' is paused: nothing is put until it is resumed.",
                        nextStep: NextStep.resume(config.name))
                }
                rotation.machine.resolve(resolution)
                try transaction.put(.rotation, .timed(id), rotation)
                runner.announce(resolved: rotation)
                let event = AuditEvent(
                    at: now, "rotation.resolved", by: caller.audited, config: rotation.config, rotation: id, outcome: resolution.rawValue)
                return .changed(rotation, event)
            }
            runner.start(resolved)
        } catch {
            await withdraw(id)
            throw error
        }
        return try await answer(resolved, joining: nil, waiting)
    }

    /// Granted only while nothing of the rotation was sent.
    package func cancel(_ id: RotationID, as caller: Caller) async throws -> RotationReply {
        let rotation = try await read { try $0.rotation(id) }
        try requireVisible(rotation, .rotate, as: caller)
        guard runner.isCancellable(id) else { throw try await refusedCancelling(rotation) }
        let now = clock.now()
        // Nothing happens without its entry: that it was asked for stands before it is granted, and stays where a PUT was faster.
        try await write(.begun) { _ in
            .changed((), AuditEvent(at: now, "rotation.cancel-asked", by: caller.audited, config: rotation.config, rotation: id))
        }
        guard runner.cancel(id) else { throw try await refusedCancelling(read { try $0.rotation(id) }) }
        return try await answer(rotation, joining: nil, .untilSettled)
    }

    private func refusedCancelling(_ rotation: Rotation) async throws -> Problem {
        let why =
            rotation.state.hasEnded
            ? "has ended already, as \(rotation.state.rawValue)"
            : "is past the point where cancelling puts nothing at risk: only a PUT of its own brings certainty now"
        return Problem(
            .rotationInProgress, "The rotation \(rotation.id) \(why).",
            nextStep: try await nextSteps(after: [rotation])[rotation.id] ?? NextStep.show(rotation.id))
    }

    private func requireVisible(_ rotation: Rotation, _ right: Right, as caller: Caller) throws {
        do { try caller.require(right, on: .config(rotation.config)) } catch {
            guard error.code == .unknownConfig else { throw error }
            throw Problem(.unknownRotation, "There is no rotation '\(rotation.id)'.", nextStep: "keyturn history")
        }
    }
}
