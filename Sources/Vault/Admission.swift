package import Model

/// Under what circumstances a vault is unsealed.
package struct Admission: Sendable {
    package let at: Timestamp
    package let caller: AuditEvent.Caller?
    /// This machine's id; `nil` where it has none, and can't tell whose the vault is.
    package let machine: String?
    package let older: Older

    /// What to do with a vault that is older than its mirror says, or that has none.
    package enum Older: Sendable {
        case refused, accepted
    }

    package init(at: Timestamp, by caller: AuditEvent.Caller?, machine: String?, older: Older) {
        self.at = at
        self.caller = caller
        self.machine = machine
        self.older = older
    }
}

/// What was found when the vault was opened, and must be written down before anything else is.
struct Finding {
    var quarantine: Quarantine.Cause?
    /// The counter goes on from here: no earlier copy may pass for this one later.
    var counter: Int64
    /// There is no mirror yet that the next start could go by.
    var lacksMirror = false

    /// Throws where the vault may be an older copy and nobody accepted that. A vault in quarantine already is as careful as it can be.
    init(of vault: OpenVault, mirror: (any CounterMirror)?, _ admission: Admission) throws(VaultError) {
        let state = try VaultView(vault: vault).vaultState()
        counter = state.counter
        if let mirror {
            let reading = try CounterMark.read(from: mirror, by: vault)
            if case .counter(let mirrored) = reading { counter = max(counter, mirrored) } else { lacksMirror = true }
            if state.quarantine == nil, let refusal = Self.refusal(of: state, reading) {
                guard admission.older == .accepted else { throw refusal }
                quarantine = .older
            }
        }
        guard state.quarantine == nil, quarantine == nil else { return }
        if let owner = state.owner, let machine = admission.machine, owner != machine { quarantine = .otherMachine }
    }

    private static func refusal(of state: VaultState, _ mirror: CounterMark.Reading) -> VaultError? {
        switch mirror {
        case .counter(let mirrored): mirrored > state.counter ? .older(counter: state.counter, mirror: mirrored) : nil
        // Nothing happened yet in a vault that was just made: it has no mirror, and nothing that could be older.
        case .none: state.counter > 1 ? .noMirror("the mirror of its counter is missing") : nil
        case .foreign: .noMirror("the mirror of its counter belongs to another vault, or is damaged")
        }
    }
}
