import Model
import Vault

extension Transaction {
    /// Ends a version: its bytes go now, its record joins the ended ones. The caller took it out of the config.
    mutating func end(_ version: VersionRecord, of config: ConfigName) throws(VaultError) {
        try erase(.credential, .version(config, version.number))
        try put(.endedVersion, .version(config, version.number), version)
    }

    /// Erases what is past its time: rejected versions, and previous ones once their successor is proven (or proving is off).
    /// Returns the numbers that went.
    @discardableResult
    mutating func eraseWhatMayGo(in config: inout ConfigRecord, at now: Timestamp) throws(VaultError) -> [VersionNumber] {
        guard config.unfinished == nil, !config.isPaused(at: now), try quarantine(of: config) == nil else { return [] }
        let isProven = config.version(.current).map { $0.proof == .proven || $0.proof == .off } ?? false
        var erased: [VersionNumber] = []
        for version in config.versions {
            guard let eraseAfter = version.eraseAfter, max(eraseAfter, config.stragglersUntil ?? eraseAfter) <= now else { continue }
            guard version.state == .rejected || (version.state == .previous && isProven) else { continue }
            config.versions.removeAll { $0.number == version.number }
            var ended = version
            ended.eraseAfter = nil
            if version.state == .previous {
                ended.state = .retired
                ended.endedAt = now
            }
            try end(ended, of: config.name)
            erased.append(version.number)
        }
        return erased
    }

    /// Keeps the index of what is to be erased, and when, in step with the config.
    mutating func scheduleErasure(of config: ConfigRecord) throws(VaultError) {
        if let at = config.versions.compactMap(\.eraseAfter).min() {
            try put(.erasure, .named(config.name), ErasureRecord(config: config.name, at: at))
        } else {
            try delete(.erasure, .named(config.name))
        }
    }
}
