import Model
import Operations
import Rotations
import Vault

/// What is known from outside of each config, and that its record says no other.
extension Oracle {
    func keepAccounts(_ delta: VaultImage.Delta) {
        for (place, entry) in delta.entries.enumerated() {
            if entry.event == "vault.sealed" { forgetVerdicts(of: Scene.configs) }
            guard let config = entry.config else { continue }
            entriesSeen[config, default: [:]][entry.event, default: 0] += 1
            let isOnlyOne = !delta.entries.enumerated().contains { other, entry in
                other != place && entry.config == config && Self.settings.contains(entry.event)
            }
            keepAccount(of: config, entry, isOnlyOne)
        }
        for (config, _, record) in delta.configs { checkAccount(of: config, record) }
    }

    private static let settings: Set = ["config.created", "config.changed"]

    private func keepAccount(of config: ConfigName, _ entry: AuditEvent, _ isOnlyOne: Bool) {
        switch entry.event {
        case "config.created": accounts[config] = Account()
        case "config.purged": accounts[config] = nil
        default: break
        }
        guard var account = accounts[config] else { return }
        defer { accounts[config] = account }
        switch entry.event {
        case "config.created", "config.changed": set(config, &account, at: entry.at, isOnlyOne)
        case "config.paused": pause(config, &account)
        case "config.resumed": account.pause = nil
        case "config.removed": account.isRemoved = true
        case "config.undeleted": account.isRemoved = false
        case "version.staged": account.staged()
        case "version.adopted": account.adopted()
        case "rotation.requested":
            guard let id = entry.rotation, let rotation = image.rotations[id] else { return }
            account.underWay = Account.UnderWay(id: id, kind: rotation.machine.plan.kind)
        default:
            guard let id = entry.rotation, id == account.underWay?.id else { return }
            goesOn(&account, entry)
        }
    }

    private func goesOn(_ account: inout Account, _ entry: AuditEvent) {
        switch entry.event {
        case "rotation.continued": account.underWay?.state = .running
        case "rotation.reverting":
            account.underWay?.state = .running
            account.underWay?.isOnItsWayBack = true
        case "rotation.waiting": account.underWay?.state = .waiting
        case "rotation.stuck": account.underWay?.state = .stuck
        case "rotation.resolved": if let word = entry.outcome.flatMap(Resolution.init) { account.resolved(word) }
        case "rotation.succeeded": account.ended(.succeeded, at: entry.at)
        case "rotation.rejected": account.ended(.rejected, at: entry.at)
        case "rotation.failed": account.ended(.failed, at: entry.at)
        case "rotation.cancelled": account.ended(.cancelled, at: entry.at)
        default: break
        }
    }

    /// Which of those who ask at once was the last is told by the record alone.
    private func set(_ config: ConfigName, _ account: inout Account, at time: Timestamp, _ isOnlyOne: Bool) {
        guard let record = image.configs[config] else { return }
        let every = record.everySeconds
        if !world.callers.wishes(for: config).contains(.settings(everySeconds: every)) {
            broken(.due, "'\(config)' is to be rotated every \(every.map { "\($0)s" } ?? "never"), which nobody asked for")
        }
        if every != account.everySeconds || !isOnlyOne { account.due = isOnlyOne ? every.map { time + .seconds($0) } : record.dueAt }
        account.everySeconds = every
    }

    private func pause(_ config: ConfigName, _ account: inout Account) {
        // One that was ended by the same commit leaves no trace.
        guard let pause = image.configs[config]?.pause else { return account.pause = Account.Pause(until: nil) }
        account.pause = Account.Pause(until: pause.until)
        guard !world.callers.wishes(for: config).contains(.paused(until: pause.until)) else { return }
        broken(.paused, "'\(config)' is paused until \(pause.until.map { "\($0)" } ?? "it is resumed"), which nobody asked for")
    }

    private func checkAccount(of config: ConfigName, _ record: ConfigRecord?) {
        guard let record, let account = accounts[config] else { return }
        if record.dueAt != account.due {
            broken(
                .due,
                "'\(config)' is due at \(record.dueAt.map { "\($0)" } ?? "no time") instead of \(account.due.map { "\($0)" } ?? "none")")
        }
        if record.pause.map({ Account.Pause(until: $0.until) }) != account.pause {
            broken(.paused, "'\(config)' is \(record.pause == nil ? "not " : "")paused, and the audit log tells another story")
        }
        if (record.removedAt != nil) != account.isRemoved { broken(.durable, "that '\(config)' was removed, or came back, is forgotten") }
        if record.unfinished != account.underWay?.id {
            broken(.neverTwice, "the audit log knows another rotation of '\(config)' that has not ended")
        }
    }

    // MARK: What callers hear

    /// What somebody was granted is in the audit log, which the accounts are kept by.
    func granted(_ call: Call, before: [String: Int]) {
        guard let config = call.config, let wish = call.wish else { return }
        let account = accounts[config]
        let isSo =
            switch wish {
            case .paused: isTold("config.paused", of: config, since: before)
            case .resumed: account?.pause == nil || isTold("config.paused", of: config, since: before)
            case .settings: isTold("config.created", of: config, since: before) || isTold("config.changed", of: config, since: before)
            case .removed: isTold("config.removed", of: config, since: before)
            case .undeleted: isTold("config.undeleted", of: config, since: before)
            }
        if !isSo { broken(.durable, "'\(call.what)' was granted, and the audit log does not tell of it") }
    }

    private func isTold(_ event: String, of config: ConfigName, since before: [String: Int]) -> Bool {
        entriesSeen[config]?[event] ?? 0 > before[event] ?? 0
    }

    // MARK: What the daemon hears

    func heard(_ answer: PutAnswer, to id: RemoteID) {
        let isUnanswered: Account.Certainty =
            switch answer {
            case .unknown, .notSent: .yes
            case .accepted, .noVerdict, .denied, .rejected, .unauthorized, .refused: .perhaps
            }
        accounts[Scene.config(at: id)]?.underWay?.isUnanswered = isUnanswered
    }

    func heard(_ answer: ValidateAnswer, of id: RemoteID) {
        let verdict: Account.UnderWay.Verdict =
            switch answer {
            case .works: .works
            case .fails: .fails
            case .unauthorized: .unauthorized
            case .notFound, .unsupported, .tooMany, .inconclusive: .other
            }
        accounts[Scene.config(at: id)]?.underWay?.verdict = verdict
    }

    func noteSent(to config: ConfigName) {
        accounts[config]?.underWay?.isUnanswered = .yes
        accounts[config]?.underWay?.verdict = .none
    }

    /// Whoever was told something may be told it again, or something else.
    func forgetVerdicts(of configs: [ConfigName]) {
        for config in configs { accounts[config]?.underWay?.verdict = .unknown }
    }
}
