import Model
import Operations
import Rotations

/// Promise 4 once the dust has settled: everybody was answered, and every config is at rest with its last key in place, or says why not.
extension Oracle {
    func checkRest() {
        guard violation == nil else { return }
        if world.callers.isAnybodyWaiting {
            return broken(.alive, "nobody answered: \(world.callers.waitingFor.joined(separator: "; "))")
        }
        for config in Scene.configs {
            guard let record = image.configs[config] else { continue }
            if let unfinished = record.unfinished {
                let rotation = image.rotations[unfinished]
                broken(
                    .alive,
                    "the rotation of '\(config)' is still \(rotation?.state.rawValue ?? "unknown"): \(String(describing: rotation?.machine.phase))"
                )
            }
            if let left = record.versions.first(where: { $0.state == .staged || $0.state == .pending }) {
                broken(.alive, "version \(left.number) of '\(config)' is still \(left.state.rawValue); hold: \(record.hold ?? "none")")
            }
            checkInPlace(config, record)
        }
    }

    private func checkInPlace(_ config: ConfigName, _ record: ConfigRecord) {
        guard let remote = world.backend.remotes[Scene.remote(of: config)], remote.isOurs, let current = record.version(.current) else {
            return
        }
        // "Unproven" is the visible reason: a backend that never said that it stored the key may not have.
        if current.proof != .unproven, !remote.wasOverwrittenLate, remote.held != image.key(current.number, of: config) {
            broken(.alive, "'\(config)' has version \(current.number) as current, but its backend holds \(remote.held ?? "nothing")")
        }
    }

    /// Days later.
    func checkAfterAll() {
        guard violation == nil else { return }
        for config in Scene.configs { checkHeld(config) }
        if world.callers.isAnybodyWaiting { broken(.alive, "nobody answered: \(world.callers.waitingFor.joined(separator: "; "))") }
    }
}
