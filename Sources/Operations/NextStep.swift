import Model
import Rotations

/// What an operator can do about a state: one command each, which works when pasted into a shell.
/// Explanations stand in the reason beside it; docs/rotations.md has the whole table.
enum NextStep {
    static func resume(_ config: ConfigName) -> String { "keyturn resume \(config)" }
    static func rotate(_ config: ConfigName) -> String { "keyturn rotate \(config)" }
    static func stage(_ config: ConfigName) -> String { "keyturn stage \(config)" }
    static func prove(_ config: ConfigName) -> String { "keyturn prove \(config)" }
    static func rollback(_ config: ConfigName) -> String { "keyturn rollback \(config)" }
    static func versions(_ config: ConfigName) -> String { "keyturn versions \(config)" }
    static func showConfig(_ config: ConfigName) -> String { "keyturn config show \(config)" }
    static func history(_ config: ConfigName) -> String { "keyturn history \(config)" }
    static func show(_ rotation: RotationID) -> String { "keyturn history --rotation \(rotation)" }
    static func cancel(_ rotation: RotationID) -> String { "keyturn cancel \(rotation)" }
    static func retry(_ rotation: RotationID) -> String { "keyturn resolve \(rotation) --retry" }
    static func remote(_ config: ConfigName, _ fields: RemoteFields) -> String {
        let flags = [("name", fields.name), ("endpoint", fields.endpoint), ("ai-type", fields.aiType?.rawValue)]
        return (["keyturn remote \(config)"] + flags.compactMap { flag, value in value.map { ShellWord.quoted("--\(flag)=\($0)") } })
            .joined(separator: " ")
    }
    static func setToken(_ upstream: UpstreamName) -> String { "keyturn upstream set \(upstream) --token-stdin" }
}

extension ConfigRecord {
    /// Another credential than the current one: what is staged already, else a new one.
    var wayToNextKey: String {
        version(.staged) == nil ? NextStep.stage(name) : NextStep.rotate(name)
    }

    /// Whether the current credential was tried at the backend, and does not work.
    var isBroken: Bool { version(.current)?.proof == .failed }

    /// Away from a current credential that does not work.
    var wayFromBrokenKey: String {
        guard version(.staged) == nil, let previous = newestPrevious, !previous.isBurnt else { return wayToNextKey }
        return NextStep.rollback(name)
    }

    /// To the credential before the current one, as long as it is kept.
    var wayBack: String { newestPrevious == nil ? wayToNextKey : NextStep.rollback(name) }

    /// To a proof of the current credential: asking shows something only where its own PUT was confirmed. `nil` while an earlier PUT may still
    /// land: until then another rotation would prove as little, and use up a key.
    func wayToProof(at now: Timestamp) -> String? {
        if version(.current)?.wasAccepted == true { return NextStep.prove(name) }
        if let until = versions.compactMap(\.landsUntil).max(), now < until { return nil }
        return wayToNextKey
    }

    /// To know whether all is well as it stands: asks the backend, where there is a credential to ask about.
    var wayToCheck: String {
        version(.current) == nil ? wayToNextKey : NextStep.prove(name)
    }
}

extension Rotation {
    /// The way on from here, by what the config has now, whatever it had when this ended; `nil` where nothing is to be done, or a later rotation has taken over.
    func nextStep(in record: ConfigRecord?, at now: Timestamp) -> String? {
        guard let record, record.removedAt == nil else { return nil }
        if record.isPaused(at: now), machine.isHeldByPause { return NextStep.resume(config) }
        switch machine.phase {
        case .putting, .validating, .lookingUp: return nil
        case .waiting(let wait):
            switch (wait.cause, machine.plan.kind) {
            case (.token, _): return NextStep.setToken(machine.plan.upstream.name)
            case (.nextCycle, .rotate), (.refresh, .rotate): return NextStep.rotate(config)
            case (.nextCycle, .rollback), (.refresh, .rollback): return NextStep.rollback(config)
            case (.nextCycle, .remote), (.refresh, .remote): return NextStep.remote(config, machine.plan.fields)
            case (.nextCycle, .prove), (.refresh, .prove): return NextStep.prove(config)
            }
        case .stuck: return record.isPaused(at: now) ? NextStep.resume(config) : NextStep.retry(id)
        case .ended(let ending):
            guard record.lastRotation == id, let next = nextStep(after: ending, in: record, at: now) else { return nil }
            return record.isPaused(at: now) ? NextStep.resume(config) : next
        }
    }

    private func nextStep(after ending: RotationEnding, in record: ConfigRecord, at now: Timestamp) -> String? {
        switch ending {
        case .succeeded(_, nil), .cancelled: nil
        case .succeeded(_, .some): record.wayToProof(at: now)
        case .rejected: machine.plan.kind == .remote ? record.wayToCheck : record.wayToNextKey
        case .failed(_, .stays): machine.plan.kind == .remote ? record.wayToCheck : record.wayFromBrokenKey
        case .failed(_, .assumed): record.wayToCheck
        case .failed(_, .stagedAgain): machine.plan.kind == .rollback ? record.wayBack : record.wayToNextKey
        case .failed(_, .nothingChanged):
            machine.plan.kind == .remote ? NextStep.remote(config, machine.plan.fields) : record.wayToCheck
        case .failed(_, .withoutToken): NextStep.setToken(machine.plan.upstream.name)
        }
    }

    /// What each word to `resolve` would do.
    var waysOut: String {
        let plan = machine.plan
        let offered = version.map { "version \($0)" } ?? "the new fields"
        let former = standingVersion.flatMap { version == nil ? nil : "version \($0)" } ?? "the former fields"
        let back = plan.wayBack == .unknown ? "" : ", --not-applied puts \(former) back"
        return "To go on, --retry puts \(offered) again\(back), and --applied puts \(offered) again and keeps it whatever comes."
    }

    /// Refuses something else beside a rotation that has not ended.
    func inTheWay(of record: ConfigRecord, at now: Timestamp) -> Problem {
        if record.isPaused(at: now), machine.isHeldByPause {
            return Problem(
                .rotationInProgress, "The rotation \(id) of '\(config)' has not ended; the config is paused, which holds it.",
                nextStep: NextStep.resume(config))
        }
        switch machine.phase {
        case .stuck(let reason):
            return Problem(
                .rotationInProgress, "The rotation \(id) of '\(config)' is stuck and comes first: \(reason.what). \(waysOut)",
                nextStep: nextStep(in: record, at: now))
        case .waiting(let wait):
            return Problem(
                .rotationInProgress, "The rotation \(id) of '\(config)' waits and comes first: \(wait.reason.what).",
                nextStep: nextStep(in: record, at: now))
        case .putting, .validating, .lookingUp, .ended:
            return Problem(.rotationInProgress, "The rotation \(id) of '\(config)' is under way.", nextStep: NextStep.show(id))
        }
    }
}
