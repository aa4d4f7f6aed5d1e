import KeyturnWire
import Model

extension Config {
    /// For `config show`.
    func sheet(_ pasted: PastedCommand) -> Sheet {
        var sheet = Sheet()
        sheet.add("name", name)
        sheet.add("description", description)
        sheet.add("state", .state(state))
        sheet.add("reason", reason)
        sheet.add("next step", nextStep.map(pasted.text))
        if paused { sheet.add("paused", pausedUntil.map { "until \($0)" } ?? "until resumed") }
        sheet.add("pause reason", pauseReason)
        sheet.add("upstream", upstream)
        sheet.add("remote id", remoteID)
        sheet.add("ai type", aiType)
        sheet.add("field", field)
        sheet.add("every", everySeconds.map(Self.span) ?? "never by itself")
        sheet.add("due", dueAt)
        sheet.add("grace", Self.span(graceSeconds))
        sheet.add("proving", prove ? "on" : "off")
        if let current = versions.first(where: { $0.state == "current" }) {
            sheet.add("current", "version \(current.version)\(current.proof.map { ", \($0)" } ?? "")")
        } else {
            sheet.add("current", "none yet")
        }
        sheet.add("staged", "\(stagedVersions)")
        sheet.add("last rotation", lastRotation)
        sheet.add("made", createdAt)
        return sheet
    }

    private static func span(_ seconds: Int64) -> String { TimeSpan(.seconds(seconds)).description }
}

extension Version {
    /// Since when it is in its state, as far as that is kept: a previous one since the next one took its place.
    func since(among versions: [Version]) -> String {
        switch state {
        case "current": currentSince ?? createdAt
        case "previous": versions.filter { $0.version > version }.compactMap(\.currentSince).min() ?? currentSince ?? createdAt
        case "retired", "rejected", "discarded": endedAt ?? createdAt
        default: createdAt
        }
    }
}

extension Rotation {
    func sheet(_ pasted: PastedCommand) -> Sheet {
        var sheet = Sheet()
        sheet.add("rotation", id)
        sheet.add("config", config)
        sheet.add("kind", kind)
        sheet.add("state", .state(state))
        if state == "running" { sheet.add("step", step) }
        sheet.add("version", version.map(String.init))
        sheet.add("proof", proof.map(Styled.state))
        sheet.add("attempts", "\(attempts)")
        if cyclesUsed > 0 || nextTryAt != nil { sheet.add("cycles used", "\(cyclesUsed) of \(cyclesMax)") }
        sheet.add("reason", reason)
        for warning in warnings { sheet.add("warning", warning) }
        sheet.add("backend says", upstreamMessage)
        sheet.add("next try", nextTryAt)
        sheet.add("next step", nextStep.map(pasted.text))
        sheet.add("asked by", requestedBy.shown)
        sheet.add("asked because", requestReason)
        sheet.add("started", startedAt)
        sheet.add("ended", endedAt)
        return sheet
    }

    /// How it went, in a sentence.
    var outcome: String {
        let shownVersion = version.map { "version \($0)" } ?? "the key"
        switch (kind, state) {
        case ("prove", "succeeded"): return "\(config): \(shownVersion) works."
        case ("remote", "succeeded"): return "\(config): the remote fields are changed."
        case (_, "succeeded"): return "\(config): \(shownVersion) is current\(proof.map { ", \($0)" } ?? "")."
        case (_, "running"): return "\(config): rotation \(id) is running."
        case (_, "waiting"): return "\(config): rotation \(id) is waiting\(nextTryAt.map { " until \($0)" } ?? "")\(because)"
        case (_, "stuck"): return "\(config): rotation \(id) is stuck and needs a decision\(because)"
        case (_, "rejected"): return "\(config): \(shownVersion) was rejected\(because)"
        case (_, "cancelled"): return "\(config): rotation \(id) was cancelled."
        default: return "\(config): rotation \(id) ended as \(state)\(because)"
        }
    }

    private var because: String { reason.map { ": \($0)" } ?? "." }
}
