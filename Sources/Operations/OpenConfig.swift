import Access
import Model
import Rotations
import Vault

extension RecordReader {
    /// A config that exists and was not removed.
    func config(_ name: ConfigName) throws -> Stored<ConfigRecord> {
        guard let stored = try stored(.config, .named(name)), stored.value.removedAt == nil else { throw Problem.unknownConfig(name) }
        return stored
    }

    /// What changes a config under a rotation's feet has to wait.
    func requireNothingUnfinished(in config: ConfigRecord, at now: Timestamp) throws {
        guard let unfinished = config.unfinished else { return }
        let rotation = try rotation(unfinished)
        if let quarantine = try quarantine(of: config), rotation.quarantine != quarantine.id { throw quarantine.problem(of: config.name) }
        throw rotation.inTheWay(of: config, at: now)
    }

    func upstream(_ name: UpstreamName) throws -> UpstreamRecord {
        guard let record = try get(.upstream, .named(name)) else {
            throw Problem(.unknownUpstream, "There is no upstream '\(name)'.", nextStep: "keyturn upstream list")
        }
        return record
    }
}
