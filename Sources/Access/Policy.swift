package import Model

/// Who may do what. Denies unless a rule allows.
package struct Policy: Sendable, Equatable {
    /// Users with every right on everything.
    private let owners: Set<UInt32>

    /// Without a policy file: root and the daemon's own user have every right, all others none.
    package static func ownerOnly(daemonUID: UInt32) -> Policy {
        Policy(owners: [0, daemonUID])
    }

    package func allows(_ caller: Caller, _ right: Right, on scope: Scope) -> Bool {
        owners.contains(caller.uid)
    }

    /// Throws `not-allowed`, or what a config that does not exist throws where the caller has no right on that name at all.
    package func require(_ right: Right, on scope: Scope, for caller: Caller) throws(Problem) {
        guard !allows(caller, right, on: scope) else { return }
        if case .config(let name) = scope, !Right.allCases.contains(where: { allows(caller, $0, on: scope) }) {
            throw .unknownConfig(name)
        }
        throw Problem(
            .notAllowed, "uid \(caller.uid) has not the right '\(right.rawValue)' here; root and the daemon's own user have it.",
            nextStep: "keyturn whoami")
    }
}

extension Problem {
    /// The same whether it does not exist or the caller may not know.
    package static func unknownConfig(_ name: ConfigName) -> Problem {
        Problem(.unknownConfig, "There is no config '\(name)'.", nextStep: "keyturn config list")
    }
}
