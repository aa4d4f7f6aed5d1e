import Model
import Operations
import Rotations
import Vault

/// Promise 4, that answers hold, and that the due time moves in the commit alone.
extension Oracle {
    /// Nothing changes without an entry that names it.
    func checkAudited(_ delta: VaultImage.Delta) {
        let named = Set(delta.entries.compactMap(\.config))
        for (name, _, _) in delta.configs where !named.contains(name) {
            broken(.neverSilent, "'\(name)' was changed without an audit entry")
        }
        if delta.unnamed > 0 { broken(.neverSilent, "a rotation was changed without an audit entry") }
        for (before, after) in delta.rotations where before == nil {
            guard !delta.entries.contains(where: { $0.event == "rotation.requested" && $0.rotation == after.id }) else { continue }
            broken(.neverSilent, "rotation \(after.id) has no entry of its request")
        }
    }

    private static let mayMoveDue: Set = ["rotation.succeeded", "config.created", "config.changed"]

    func checkDue(_ config: ConfigName, _ before: ConfigRecord?, _ after: ConfigRecord?, _ delta: VaultImage.Delta) {
        guard let after, before?.dueAt != after.dueAt else { return }
        let events = delta.entries.filter { $0.config == config && Self.mayMoveDue.contains($0.event) }
        guard let event = events.last else {
            return broken(.due, "the due time of '\(config)' moved without a rotation that succeeded")
        }
        guard event.event == "rotation.succeeded" else { return }
        let isNewKey = delta.rotations.contains { $0.after.config == config && $0.after.version != nil && $0.after.state == .succeeded }
        let due = after.everySeconds.map { event.at + .seconds($0) }
        if !isNewKey || after.dueAt != due { broken(.due, "the due time of '\(config)' moved to \(String(describing: after.dueAt))") }
    }

    func answered(_ call: Call, _ answer: Answer) {
        switch answer {
        case .staged(let version, let key):
            guard let config = call.config, books[config]?.staged[version.number] != key, image.configs[config] != nil else { return }
            broken(.durable, "'\(call.what)' was answered, but version \(version.number) is not on the disk")
        case .rotation(let rotation):
            guard let durable = image.rotations[rotation.id] else {
                return broken(.durable, "'\(call.what)' got a rotation that is not on the disk")
            }
            if rotation.state.hasEnded, durable.state != rotation.state {
                broken(.durable, "'\(call.what)' heard \(rotation.state.rawValue), on the disk it is \(durable.state.rawValue)")
            }
            requireSameRotation(call, rotation)
        case .status(let status): shown(status)
        case .notDue, .done: break
        }
    }

    func refused(_ call: Call, _ problem: Problem) {
        if problem.code == .idempotencyMismatch { broken(.neverTwice, "'\(call.what)' is not taken for what it repeats") }
    }
}
