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
    /// Why a quarantine begins. One that holds already does not protect from a copy of itself: a config may have left it since.
    var quarantine: Quarantine.Cause?
    /// A restored vault is opened for the first time: the quarantine that it is in begins here.
    let isFirstOpening: Bool
    /// The counter goes on from here: no earlier copy may pass for this one later.
    var counter: Int64
    /// There is no mirror yet that the next start could go by.
    var lacksMirror = false

    /// Throws where the vault may be an older copy and nobody accepted that. Of one that was just restored everybody knows that it is.
    init(of vault: OpenVault, mirror: (any CounterMirror)?, _ admission: Admission) throws(VaultError) {
        let state = try VaultView(vault: vault).vaultState()
        isFirstOpening = state.quarantine?.isUnopened == true
        counter = state.counter
        if let mirror {
            let reading = try CounterMark.read(from: mirror, by: vault)
            if case .counter(let mirrored) = reading { counter = max(counter, mirrored) } else { lacksMirror = true }
            if !isFirstOpening, let refusal = Self.refusal(of: state, reading) {
                guard admission.older == .accepted else { throw refusal }
                quarantine = .older
            }
        }
        guard quarantine == nil, !isFirstOpening else { return }
        let home = state.quarantine.map(\.machine) ?? state.owner
        if let home, let machine = admission.machine, home != machine { quarantine = .otherMachine }
    }

    private static func refusal(of state: VaultState, _ mirror: CounterMark.Reading) -> VaultError? {
        switch mirror {
        case .counter(let mirrored): mirrored > state.counter ? .older(counter: state.counter, mirror: mirrored) : nil
        // Nothing happened yet in a vault that was just made: it has no mirror, or an earlier vault's, and nothing that could be older.
        case .none: state.counter > 1 ? .noMirror("the mirror of its counter is missing") : nil
        case .foreign: state.counter > 1 ? .noMirror("the mirror of its counter belongs to another vault, or is damaged") : nil
        }
    }
}
