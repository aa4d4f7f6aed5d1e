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
        var erased: [VersionNumber] = []
        for version in config.versions {
            guard let time = config.erasureTime(of: version), time <= now else { continue }
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

    /// Keeps the index of what is to be erased, and when, in step with the config, which the caller then puts.
    mutating func scheduleErasure(of config: inout ConfigRecord, _ limits: OperationLimits) throws(VaultError) {
        let at = config.nextErasure(limits)
        guard at != config.eraseAt else { return }
        try unscheduleErasure(of: config)
        if let at {
            let record = ErasureRecord(config: config.name, at: at)
            try put(.erasure, record.key, record)
        }
        config.eraseAt = at
    }

    mutating func unscheduleErasure(of config: ConfigRecord) throws(VaultError) {
        guard let at = config.eraseAt else { return }
        try delete(.erasure, ErasureRecord(config: config.name, at: at).key)
    }
}

extension ConfigRecord {
    /// When something of it is to be erased as things stand. What holds it back for no known time (a rotation, a missing proof, a straggler that
    /// may have landed, a pause) schedules anew when it ends.
    fileprivate func nextErasure(_ limits: OperationLimits) -> Timestamp? {
        if let removedAt { return removedAt + limits.removalAge }
        guard unfinished == nil else { return nil }
        guard let first = versions.compactMap(erasureTime).min() else { return nil }
        guard let pause else { return first }
        return pause.until.map { max($0, first) }
    }

    /// From when on nothing speaks for keeping a version; `nil` while something does, for no known time.
    fileprivate func erasureTime(of version: VersionRecord) -> Timestamp? {
        guard let eraseAfter = version.eraseAfter, version.landsUntil == nil else { return nil }
        let isProven = self.version(.current).map { $0.proof == .proven || $0.proof == .off } ?? false
        guard version.state == .rejected || (version.state == .previous && isProven) else { return nil }
        return eraseAfter
    }
}
