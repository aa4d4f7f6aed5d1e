package import Access
package import Model
import Rotations
import Vault

extension VaultService {
    /// The operator's word that the keys of a config are the right ones: it leaves the quarantine. Nothing happens when it isn't in one.
    package func release(_ name: ConfigName, as caller: Caller) async throws {
        try policy.require(.admin, on: .config(name), for: caller)
        let now = clock.now()
        try await write { transaction in
            var config = try transaction.config(name).value
            guard let quarantine = try transaction.quarantine(of: config) else { return .unchanged(()) }
            config.released = quarantine.id
            try transaction.put(.config, .named(name), config)
            return .changed((), AuditEvent(at: now, "config.released", by: caller.audited, config: name, outcome: quarantine.why.rawValue))
        }
    }

    /// The same for the whole vault: its quarantine ends, and it is this machine's from here on.
    package func releaseAll(as caller: Caller) async throws {
        try policy.require(.admin, on: .everything, for: caller)
        let (now, machine) = (clock.now(), source.machine)
        try await write { transaction in
            guard let quarantine = try transaction.vaultState().quarantine else { return .unchanged(()) }
            try transaction.changeState { state in
                state.quarantine = nil
                state.owner = machine ?? state.owner
            }
            return .changed((), AuditEvent(at: now, "vault.released", by: caller.audited, outcome: quarantine.why.rawValue))
        }
    }
}
