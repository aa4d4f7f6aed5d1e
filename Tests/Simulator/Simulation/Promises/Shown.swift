import Model
import Operations
import Rotations
import Vault

/// Promise 4 for who looks: `status` names each config that needs somebody, with the reason and what to do, and no other. Which these are is
/// told by what is known of them from outside.
extension Oracle {
    func shown(_ status: StatusSnapshot) {
        guard violation == nil, status.sealedBecause == nil else { return }
        if (status.quarantine == nil) != (quarantined == nil) {
            broken(.neverSilent, "status says that the vault is \(status.quarantine == nil ? "not " : "")in quarantine")
        }
        let attention = Dictionary(grouping: status.attention, by: \.config)
        for config in Scene.configs {
            guard let account = accounts[config], !account.isRemoved else {
                if attention[config] != nil { broken(.neverSilent, "status names '\(config)', which is not there") }
                continue
            }
            let shown = attention[config]?.first
            let want = wanted(config, account)
            switch (want?.certainty, shown) {
            case (nil, nil), (.no, nil), (.perhaps, nil): break
            case (.yes, nil): broken(.neverSilent, "status does not name '\(config)', which is \(want?.what ?? "")")
            case (nil, let shown?), (.no, let shown?):
                broken(.neverSilent, "status names '\(config)' as \(shown.state.rawValue) for nothing: \(shown.reason)")
            case (.perhaps, let shown?), (.yes, let shown?):
                guard let want else { continue }
                if shown.reason.isEmpty { broken(.neverSilent, "status gives no reason for '\(config)', which is \(want.what)") }
                if want.needsStep, shown.nextStep == nil {
                    broken(.neverSilent, "status gives no way on for '\(config)', which is \(want.what): \(shown.reason)")
                }
            }
        }
    }

    private struct Want {
        let what: String
        /// Whether only an operator ends it.
        var needsStep = true
        var certainty = Account.Certainty.yes
    }

    private func wanted(_ config: ConfigName, _ account: Account) -> Want? {
        let now = world.time.now()
        // One that was begun in it is the operator's own way out.
        if let quarantined, quarantined.configs[config] != nil,
            account.underWay.map({ quarantined.rotations.contains($0.id) }) ?? true
        {
            return Want(what: "in quarantine")
        }
        if let rotation = account.underWay { return wanted(config, rotation, isPaused: account.isPaused(at: now)) }
        let ends = [
            Want(what: "held by a rotation that came to nothing", certainty: account.isHeld),
            Want(what: "not well since a change or a check", certainty: account.isUnwell),
            Want(what: "current with a key that does not work", certainty: account.isBroken),
        ]
        if let worst = ends.max(by: { $0.certainty < $1.certainty }), worst.certainty > .no { return worst }
        guard !account.isPaused(at: now), let due = account.due else { return nil }
        if due + .seconds(86_400) <= now { return Want(what: "overdue", needsStep: false) }
        let isEmpty = image.configs[config]?.version(.staged) == nil
        return isEmpty && due <= now + .seconds(7 * 86_400) ? Want(what: "running out of keys") : nil
    }

    private func wanted(_ config: ConfigName, _ rotation: Account.UnderWay, isPaused: Bool) -> Want? {
        switch rotation.state {
        case .stuck: return Want(what: "stuck")
        case .waiting: return isPaused ? Want(what: "held by a pause") : Want(what: "waiting", needsStep: false)
        case .running:
            guard isPaused else { return nil }
            // What is out is not held.
            let isOut = world.backend.remotes[Scene.remote(of: config)]?.underWay != 0
            return Want(what: "held by a pause", certainty: isOut ? .perhaps : rotation.isUnanswered)
        case .succeeded, .rejected, .failed, .cancelled: return Want(what: "locked by a rotation that ended")
        }
    }
}
