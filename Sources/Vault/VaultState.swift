package import Model

/// What the vault knows of itself, sealed, and changed by every commit: a record that was put back or removed no longer fits it.
package struct VaultState: Sendable, Equatable, Codable {
    /// Commits so far. Mirrored outside the vault, so that an older copy of the whole is found.
    package internal(set) var counter: Int64
    /// Over all other records.
    var records: RecordSetHash
    /// The machine id of the host that may work with it.
    package var owner: String?
    /// While it is set, nothing goes out.
    package var quarantine: Quarantine?
    /// `nil` in a vault of an earlier release.
    var audit: AuditTrail?

    static func first(owner: String?) -> VaultState {
        VaultState(counter: 0, records: RecordSetHash(), owner: owner)
    }
}

/// Why a vault's keys are not to be trusted to be the newest: it may hold some that died after it was copied.
package struct Quarantine: Sendable, Equatable, Codable {
    /// Which quarantine: a config leaves this one, not the next.
    package let id: String
    package let since: Timestamp
    package let why: Cause
    /// The machine id of the host that began it, or opened the restored vault first; `nil` where that had none.
    var machine: String?
    /// It was restored, and not opened since: nothing went out in this quarantine.
    var isUnopened: Bool?

    package enum Cause: String, Sendable, Codable, CaseIterable {
        /// From a backup.
        case restored
        /// An older copy was put back, or it can't be told whether one was.
        case older
        /// It belongs to another host.
        case otherMachine = "other-machine"
    }

    package init(id: String, since: Timestamp, why: Cause, machine: String? = nil, isUnopened: Bool = false) {
        self.id = id
        self.since = since
        self.why = why
        self.machine = machine
        self.isUnopened = isUnopened ? true : nil
    }
}

extension RecordKind where Value == VaultState {
    static let state = RecordKind(tag: RecordTag.state, name: "vault state")
}

extension RecordReader {
    package func vaultState() throws(VaultError) -> VaultState {
        guard let state = try get(.state, .only) else { throw .damaged(kind: RecordKind.state.name) }
        return state
    }
}

extension Transaction {
    /// Changes owner or quarantine; the commit sees to the rest.
    package mutating func changeState(_ change: (inout VaultState) -> Void) throws(VaultError) {
        var state = try vaultState()
        change(&state)
        try put(.state, .only, state)
    }
}
