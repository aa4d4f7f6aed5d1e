import Model
import Operations
import Rotations
import Vault

/// Promises 2 and 6: whatever key the backend holds is in the vault, and nothing that may be needed is erased.
extension Oracle {
    /// Promise 2, at this instant.
    func checkHeld(_ config: ConfigName) {
        guard let remote = world.backend.remotes[Scene.remote(of: config)], remote.isOurs, let held = remote.held else { return }
        guard image.configs[config] != nil else { return }
        let holders = image.versions(holding: held, of: config)
        let isKept = holders.contains { version in
            switch version.state {
            case .pending, .current, .previous, .rejected: true
            // Its configuration looked gone, so that it waits to be put again, or it came along with a copy: it can't be discarded.
            case .staged: version.landsUntil != nil || quarantined?.configs[config] != nil
            case .retired, .discarded: false
            }
        }
        guard !isKept else { return }
        let states = holders.map { "\($0.number) \($0.state.rawValue)" }.joined(separator: ", ")
        broken(.neverLost, "the backend of '\(config)' holds \(held), which the vault has as: \(states.isEmpty ? "nothing" : states)")
    }

    /// A version that is still on its way to the backend must be there when it lands.
    func checkStragglers(_ config: ConfigName, _ number: VersionNumber, _ key: String) {
        guard image.configs[config] != nil, let remote = world.backend.remotes[Scene.remote(of: config)] else { return }
        guard remote.stragglers.contains(where: { $0.value == key }) else { return }
        guard !(image.keys[config]?.values.contains(key) ?? false) else { return }
        broken(.neverLost, "version \(number) of '\(config)' was erased while a PUT of it may still land")
    }

    /// Promise 6: a previous version goes only after its grace, and only when its successor is proven.
    func checkErased(_ config: ConfigName, _ before: ConfigRecord?, _ after: ConfigRecord?, _ delta: VaultImage.Delta) {
        guard let before, let after else { return }
        let events = Set(delta.entries.filter { $0.config == config }.map(\.event))
        for version in before.versions where version.state == .previous {
            guard !after.versions.contains(where: { $0.number == version.number }) else { continue }
            let rollback = delta.rotations.contains { $0.after.rollbackOf == version.number && $0.after.state == .succeeded }
            // A purge, confirmed, takes everything, and the config that is made anew in the same commit is another one.
            guard !rollback, !events.contains("version.discarded"), !events.contains("config.purged") else { continue }
            if let current = after.version(.current), current.proof != .proven, current.proof != .off {
                broken(.neverCutOff, "version \(version.number) of '\(config)' was erased before version \(current.number) was proven")
            }
            guard let (since, grace) = books[config]?.graces[version.number], since + grace > world.latestRead else { continue }
            broken(.neverCutOff, "version \(version.number) of '\(config)' was erased \(since + grace - world.time.now()) too early")
        }
    }

    /// `proven` is a statement on what the backend holds, for as long as no rotation is on its way to change that.
    func checkProof(_ config: ConfigName) {
        guard let record = image.configs[config], record.unfinished == nil, let current = record.version(.current),
            current.proof == .proven, quarantined?.configs[config] == nil
        else { return }
        guard let remote = world.backend.remotes[Scene.remote(of: config)], remote.isOurs, let held = remote.held else { return }
        let key = image.key(current.number, of: config)
        guard held != key else { return }
        broken(.neverCutOff, "version \(current.number) of '\(config)' counts as proven, but the backend holds \(held)")
    }
}
