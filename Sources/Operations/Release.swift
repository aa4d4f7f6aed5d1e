package import Access
package import Model
import Rotations
import Vault

extension VaultService {
    /// The operator's word that the keys of a config are the right ones: it leaves the quarantine. Nothing happens when it isn't in one.
    package func release(_ name: ConfigName, as caller: Caller) async throws {
        try caller.require(.admin, on: .config(name))
        guard let quarantine = try await read({ try $0.quarantine(of: try $0.config(name).value) }) else { return }
        try await releaseKept(name, from: quarantine, as: caller)
    }

    /// Also one that was removed: it may come back. The word is on the quarantine that its giver saw, not on the one of a vault that was opened
    /// since.
    private func releaseKept(_ name: ConfigName, from seen: Quarantine, as caller: Caller) async throws {
        let (now, timeLeft) = (clock.now(), stragglers.timeLeftSinceOpening)
        try await write { transaction in
            guard var config = try transaction.get(.config, .named(name)), let quarantine = try transaction.quarantine(of: config),
                quarantine.id == seen.id
            else { return .unchanged(()) }
            config.release(from: quarantine, landing: now + timeLeft)
            try transaction.put(.config, .named(name), config)
            return .changed((), AuditEvent(at: now, "config.released", by: caller.audited, config: name, outcome: quarantine.why.rawValue))
        }
    }

    /// The same for the whole vault: its quarantine ends, and it is this machine's from here on.
    package func releaseAll(as caller: Caller) async throws {
        try caller.require(.admin, on: .everything)
        guard let seen = try await read({ try $0.vaultState().quarantine }) else { return }
        try await releaseEach(from: seen, as: caller)
        let (now, machine) = (clock.now(), source.machine)
        try await write { transaction in
            guard let quarantine = try transaction.vaultState().quarantine, quarantine.id == seen.id else { return .unchanged(()) }
            try transaction.changeState { state in
                state.quarantine = nil
                state.owner = machine ?? state.owner
            }
            return .changed((), AuditEvent(at: now, "vault.released", by: caller.audited, outcome: quarantine.why.rawValue))
        }
    }

    /// A page at once: what is written at the same time shares a commit.
    private func releaseEach(from quarantine: Quarantine, as caller: Caller) async throws {
        var cursor: [UInt8]?
        repeat {
            let from = cursor
            let page = try await read { try $0.list(.config, after: from, limit: 128) }
            try await withThrowingTaskGroup { group in
                for stored in page { group.addTask { try await releaseKept(stored.value.name, from: quarantine, as: caller) } }
                try await group.waitForAll()
            }
            cursor = page.last?.cursor
        } while cursor != nil
    }
}

extension ConfigRecord {
    /// What the vault says of its current version was true when it was copied. That no other was put since, only a PUT of its own can show.
    fileprivate mutating func release(from quarantine: Quarantine, landing until: Timestamp) {
        released = quarantine.id
        expect(whatCameWith: quarantine, landing: until)
        guard let current = version(.current), current.quarantine != quarantine.id else { return }
        update(current.number) { version in
            version.wasAccepted = false
            if version.proof == .proven { version.proof = .unproven }
        }
    }
}
