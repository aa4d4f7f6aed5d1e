package import Access
package import Model
import Rotations
import Vault

extension VaultService {
    /// A paused config is never due, and nothing of it is retried or erased, until resumed or until the time given.
    package func pause(_ name: ConfigName, until: Timestamp?, reason: String?, as caller: Caller) async throws {
        try caller.require(.configure, on: .config(name))
        let now = clock.now()
        let limits = limits
        if let until, until <= now { throw Problem.badField("until", InvalidValue("a time that is still to come")) }
        try await write { transaction in
            var config = try transaction.config(name).value
            config.pause = ConfigRecord.Pause(until: until, reason: reason)
            try transaction.scheduleErasure(of: &config, limits)
            try transaction.put(.config, .named(name), config)
            return .changed((), AuditEvent(at: now, "config.paused", by: caller.audited, config: name, reason: reason))
        }
    }

    package func resumeConfig(_ name: ConfigName, as caller: Caller) async throws {
        try caller.require(.configure, on: .config(name))
        let now = clock.now()
        let limits = limits
        let unfinished = try await write { transaction -> Change<RotationID?> in
            var config = try transaction.config(name).value
            guard config.pause != nil else { return .unchanged(nil) }
            config.pause = nil
            try transaction.scheduleErasure(of: &config, limits)
            try transaction.put(.config, .named(name), config)
            return .changed(config.unfinished, AuditEvent(at: now, "config.resumed", by: caller.audited, config: name))
        }
        if let unfinished { runner.wake(unfinished) }
    }
}
