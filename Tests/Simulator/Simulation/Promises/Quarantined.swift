import Model
import Operations
import Rotations
import Vault

/// Of a vault that may not be the newest (restored, an older copy, on another machine, without its counter) nothing goes out before the
/// operator's word, but for a key that is staged from then on. When that is, whoever copied or moved the disk knows best.
extension Oracle {
    struct Quarantined {
        /// The configs in it, each with the keys that came along.
        var configs: [ConfigName: Set<String>]
        let rotations: Set<RotationID>
        let refreshTokens: Set<String>
        /// Keys of after, that were put.
        var newlyPut: Set<String> = []
        /// What the operator said since.
        var words: Set<Call.Word> = []
        /// Nobody said yet that it may be opened.
        var isRefused: Bool
        /// Restored and not opened since: nobody takes it for the newest.
        var isUnopened: Bool
        /// The first commit has to tell of the quarantine.
        var isWrittenDown = false
    }

    /// From here on. `isRefused`: it can be seen that the vault is older.
    func holdAll(isRefused: Bool, isUnopened: Bool = false) {
        let isUnopened = isUnopened || quarantined?.isUnopened == true
        let refusedBefore = quarantined?.isRefused == true
        quarantined = Quarantined(
            configs: Dictionary(uniqueKeysWithValues: image.configs.keys.map { ($0, Set(image.keys[$0, default: [:]].values)) }),
            rotations: Set(image.rotations.keys),
            refreshTokens: world.backend.upstreams.values.reduce(into: []) { $0.formUnion($1.refreshTokensEver) },
            words: world.callers.wordsOnTheirWay,
            isRefused: (isRefused || refusedBefore) && !isUnopened, isUnopened: isUnopened)
    }

    func said(_ word: Call.Word) {
        if word == .acceptsOlder { quarantined?.isRefused = false }
        quarantined?.words.insert(word)
    }

    // MARK: Going out

    func requireMayPut(_ value: String?, as which: CredentialsInPlay.Which?, for config: ConfigName) {
        guard let keys = heldKeys(of: config, "a PUT") else { return }
        switch (which, value) {
        case (.offered, let value?) where !keys.contains(value): quarantined?.newlyPut.insert(value)
        case (.standing, _): broken(.quarantine, "a key goes back to '\(config)', which is in quarantine")
        case (.offered, _), (nil, _):
            broken(.quarantine, "\(value ?? "fields") of '\(config)', which is in quarantine and came along with the vault, is put")
        }
    }

    func requireMayAsk(_ config: ConfigName) { _ = heldKeys(of: config, "a validate") }

    /// A refresh token that the other copy may have used up.
    func refreshing(with token: String) {
        guard let quarantined else { return }
        if !quarantined.isWrittenDown { broken(.quarantine, "a refresh before the quarantine was written down") }
        if quarantined.refreshTokens.contains(token) { broken(.quarantine, "a refresh with \(token), which came along with the vault") }
    }

    /// The keys that came along, while the config is held.
    private func heldKeys(of config: ConfigName, _ what: String) -> Set<String>? {
        guard let quarantined else { return nil }
        guard quarantined.isWrittenDown else {
            broken(.quarantine, "\(what) for '\(config)' before the quarantine was written down")
            return nil
        }
        guard let keys = quarantined.configs[config] else { return nil }
        if let unfinished = image.configs[config]?.unfinished, quarantined.rotations.contains(unfinished) {
            broken(.quarantine, "\(what) for '\(config)', which is in quarantine, of a rotation that came along with the vault")
        }
        return keys
    }

    // MARK: Leaving it

    func checkQuarantine(_ delta: VaultImage.Delta) {
        guard var now = quarantined else { return }
        defer { quarantined = now }
        if now.isRefused { return broken(.quarantine, "an older vault is written to, and nobody has accepted it") }
        if !now.isWrittenDown, !delta.entries.contains(where: { $0.event == "vault.quarantined" }) {
            return broken(.quarantine, "the vault is written to, and does not say that it is in quarantine")
        }
        (now.isWrittenDown, now.isUnopened) = (true, false)
        for (name, _, after) in delta.configs where after == nil { now.configs[name] = nil }
        for (_, rotation) in delta.rotations where now.isLeft(by: rotation, image.key(rotation.version, of: rotation.config)) {
            now.configs[rotation.config] = nil
        }
        for entry in delta.entries where entry.event == "config.released" {
            guard let config = entry.config else { continue }
            now.configs[config] = nil
            if !now.words.contains(.releases(config)), !now.words.contains(.releasesAll) {
                broken(.quarantine, "'\(config)' leaves the quarantine without the operator's word")
            }
        }
        for (config, number, key) in delta.erased where now.configs[config]?.contains(key) == true {
            broken(.quarantine, "version \(number) of '\(config)', which is in quarantine, is erased")
        }
    }

    /// After everything that the same commit did.
    func endQuarantine(_ delta: VaultImage.Delta) {
        guard let now = quarantined, delta.entries.contains(where: { $0.event == "vault.released" }) else { return }
        if !now.words.contains(.releasesAll) { broken(.quarantine, "the vault leaves the quarantine without the operator's word") }
        quarantined = nil
    }
}

extension Oracle.Quarantined {
    /// Whether a new key is in place now.
    fileprivate func isLeft(by rotation: Rotation, _ key: String?) -> Bool {
        guard !rotations.contains(rotation.id), rotation.machine.plan.kind == .rotate, let key, newlyPut.contains(key) else { return false }
        switch rotation.machine.phase {
        case .ended(.succeeded), .ended(.failed(_, .stays)): return true
        case .putting, .validating, .lookingUp, .waiting, .stuck, .ended(.rejected), .ended(.failed), .ended(.cancelled): return false
        }
    }
}
