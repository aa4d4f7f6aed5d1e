package import Access
package import Model
package import Rotations
import Vault

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
            try policy.require(.read, on: .config(config), for: caller)
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
        let visible = page.map(\.1).filter { policy.allows(caller, .read, on: .config($0.config)) }
        return (visible, page.count < limit ? nil : page.last?.0)
    }

    /// Drives a stuck rotation on. The operator's word is never believed: what it names is put again and validated.
    package func resolve(_ id: RotationID, _ resolution: Resolution, _ waiting: Waiting, as caller: Caller) async throws -> Rotation {
        let rotation = try await read { try $0.rotation(id) }
        try requireVisible(rotation, .rotate, as: caller)
        guard rotation.machine.resolutions.contains(resolution) else {
            let ways = rotation.machine.resolutions.map { "--\($0.rawValue)" }.joined(separator: ", ")
            throw Problem(
                .badRequest,
                ways.isEmpty
                    ? "The rotation \(id) is \(rotation.state.rawValue), not stuck."
                    : "The rotation \(id) can't be resolved so; possible: \(ways).",
                nextStep: "keyturn history \(rotation.config)")
        }
        let now = clock.now()
        let runner = runner
        do {
            let resolved = try await write { transaction in
                var rotation = try transaction.rotation(id)
                // Only one of several operators: for the next one it is not stuck any more.
                guard rotation.machine.resolutions.contains(resolution) else { throw Problem.rotationInProgress(rotation.config) }
                if let config = try transaction.get(.config, .named(rotation.config)),
                    let quarantine = try transaction.quarantine(of: config), rotation.quarantine != quarantine.id
                {
                    throw quarantine.problem(of: rotation.config)
                }
                rotation.machine.resolve(resolution)
                try transaction.put(.rotation, .timed(id), rotation)
                runner.announce(rotation)
                let event = AuditEvent(
                    at: now, "rotation.resolved", by: caller.audited, config: rotation.config, rotation: id, outcome: resolution.rawValue)
                return .changed(rotation, event)
            }
            runner.start(resolved)
        } catch {
            runner.withdraw(id)
            throw error
        }
        if waiting == .untilSettled { _ = await runner.settled(id) }
        return try await read { try $0.rotation(id) }
    }

    /// Granted only while nothing of the rotation was sent.
    package func cancel(_ id: RotationID, as caller: Caller) async throws -> Rotation {
        let rotation = try await read { try $0.rotation(id) }
        try requireVisible(rotation, .rotate, as: caller)
        guard runner.cancel(id) else {
            throw Problem(
                .rotationInProgress, "The rotation \(id) is past the point where cancelling puts nothing at risk, or has ended.",
                nextStep: "keyturn history \(rotation.config)")
        }
        let now = clock.now()
        try await write(.begun) { _ in
            .changed((), AuditEvent(at: now, "rotation.cancel-asked", by: caller.audited, config: rotation.config, rotation: id))
        }
        _ = await runner.settled(id)
        return try await read { try $0.rotation(id) }
    }

    private func requireVisible(_ rotation: Rotation, _ right: Right, as caller: Caller) throws {
        do { try policy.require(right, on: .config(rotation.config), for: caller) } catch {
            guard error.code == .unknownConfig else { throw error }
            throw Problem(.unknownRotation, "There is no rotation '\(rotation.id)'.", nextStep: "keyturn history")
        }
    }
}
