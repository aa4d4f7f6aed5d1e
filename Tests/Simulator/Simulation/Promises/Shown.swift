import Model
import Operations
import Rotations
import Vault

/// Promise 4 for who looks: `status` names each config that needs somebody, with the reason and what to do, and no other.
extension Oracle {
    func shown(_ status: StatusSnapshot) {
        guard violation == nil, status.sealedBecause == nil else { return }
        if (status.quarantine == nil) != (quarantined == nil) {
            broken(.neverSilent, "status says that the vault is \(status.quarantine == nil ? "not " : "")in quarantine")
        }
        let attention = Dictionary(grouping: status.attention, by: \.config)
        for config in Scene.configs {
            guard let record = image.configs[config], record.removedAt == nil else {
                if attention[config] != nil { broken(.neverSilent, "status names '\(config)', which is not there") }
                continue
            }
            let shown = attention[config]?.first
            let wanted = wanted(record)
            switch (wanted, shown) {
            case (nil, nil): break
            case (let why?, nil): broken(.neverSilent, "status does not name '\(config)', which is \(why.what)")
            case (nil, let shown?): broken(.neverSilent, "status names '\(config)' as \(shown.state.rawValue) for nothing: \(shown.reason)")
            case (let why?, let shown?):
                if shown.reason.isEmpty { broken(.neverSilent, "status gives no reason for '\(config)', which is \(why.what)") }
                if why.needsStep, shown.nextStep == nil {
                    broken(.neverSilent, "status gives no way on for '\(config)', which is \(why.what): \(shown.reason)")
                }
            }
        }
    }

    private struct Want {
        let what: String
        /// Whether only an operator ends it.
        let needsStep: Bool
    }

    private func wanted(_ record: ConfigRecord) -> Want? {
        let now = world.time.now()
        let isPaused = record.isPaused(at: now)
        let rotation = record.unfinished.flatMap { image.rotations[$0] }
        // One that was begun in it is the operator's own way out.
        if let quarantined, quarantined.configs[record.name] != nil, rotation.map({ quarantined.rotations.contains($0.id) }) ?? true {
            return Want(what: "in quarantine", needsStep: true)
        }
        if let rotation {
            if isPaused, rotation.machine.isHeldByPause { return Want(what: "held by a pause", needsStep: true) }
            switch rotation.state {
            case .stuck: return Want(what: "stuck", needsStep: true)
            case .waiting: return Want(what: "waiting", needsStep: false)
            case .running: return nil
            case .succeeded, .rejected, .failed, .cancelled: return Want(what: "locked by a rotation that ended", needsStep: true)
            }
        }
        if let hold = record.hold { return Want(what: "held: \(hold)", needsStep: true) }
        if let failure = record.failure { return Want(what: "not well since a change or a check: \(failure)", needsStep: true) }
        if let ended = record.lastRotation.flatMap({ image.rotations[$0] }), ended.state == .failed,
            ended.machine.plan.kind == .remote, ended.machine.plan.remoteID == record.binding.remoteID
        {
            return Want(what: "left by a change that failed", needsStep: true)
        }
        if record.version(.current)?.proof == .failed { return Want(what: "current with a key that does not work", needsStep: true) }
        if isPaused { return nil }
        guard let due = record.dueAt else { return nil }
        if due + .seconds(86_400) <= now { return Want(what: "overdue", needsStep: false) }
        if due <= now + .seconds(7 * 86_400), record.version(.staged) == nil { return Want(what: "running out of keys", needsStep: true) }
        return nil
    }
}
