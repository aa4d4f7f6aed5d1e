package import Access
package import Model
import Rotations
import Secrets
import Vault

extension VaultService {
    /// Takes a config out of use. Its record, keys included, stays for 30 days and can come back, unless it is purged.
    package func removeConfig(_ name: ConfigName, _ extent: RemovalExtent, as caller: Caller) async throws {
        try caller.require(.configure, on: .config(name))
        try caller.require(.bind, on: .config(name))
        let now = clock.now()
        let limits = limits
        try await write { transaction in
            guard var config = try transaction.get(.config, .named(name)), config.removedAt == nil || extent == .purged else {
                throw Problem.unknownConfig(name)
            }
            try transaction.requireNothingUnfinished(in: config, at: now)
            switch extent {
            case .recoverable:
                config.removedAt = now
                try transaction.scheduleErasure(of: &config, limits)
                try transaction.put(.config, .named(name), config)
            case .purged: try transaction.purge(config)
            }
            return .changed(
                (), AuditEvent(at: now, extent == .purged ? "config.purged" : "config.removed", by: caller.audited, config: name))
        }
    }

    package enum RemovalExtent: Sendable {
        case recoverable, purged
    }

    package func undeleteConfig(_ name: ConfigName, as caller: Caller) async throws {
        try caller.require(.configure, on: .config(name))
        try caller.require(.bind, on: .config(name))
        let now = clock.now()
        let limits = limits
        try await write { transaction in
            guard var config = try transaction.get(.config, .named(name)) else { throw Problem.unknownConfig(name) }
            guard config.removedAt != nil else {
                throw Problem(.badRequest, "The config '\(name)' was not removed.", nextStep: NextStep.showConfig(name))
            }
            config.removedAt = nil
            try transaction.scheduleErasure(of: &config, limits)
            try transaction.put(.config, .named(name), config)
            return .changed((), AuditEvent(at: now, "config.undeleted", by: caller.audited, config: name))
        }
    }
}

extension Transaction {
    /// Erases a config with all its credentials. Its history and audit entries stay, and so does the count of its versions.
    mutating func purge(_ config: ConfigRecord) throws {
        for version in config.versions { try erase(.credential, .version(config.name, version.number)) }
        for number in 1..<max(config.nextVersion, 1) { try delete(.endedVersion, .version(config.name, number)) }
        try unbind(config)
        try unscheduleErasure(of: config)
        if config.nextVersion > 1 { try put(.numbering, .named(config.name), NumberingRecord(next: config.nextVersion)) }
        try delete(.config, .named(config.name))
    }
}
