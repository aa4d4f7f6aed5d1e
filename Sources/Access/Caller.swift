package import Model

/// Who is at the other end of the socket, as the kernel and PID 1 tell it; never what the caller says of itself.
package struct CallerIdentity: Sendable, Equatable {
    package let uid: UInt32
    package let gid: UInt32
    /// Supplementary groups, by SO_PEERGROUPS.
    package let groups: [UInt32]
    package let pid: Int32
    /// The system unit that PID 1 names for the process; `nil` when there is none or it could not be told for certain.
    package let unit: String?

    package init(uid: UInt32, gid: UInt32, groups: [UInt32], pid: Int32, unit: String?) {
        self.uid = uid
        self.gid = gid
        self.groups = groups
        self.pid = pid
        self.unit = unit
    }
}

/// Who asks, with the policy on which all of one request is decided: a reload in the middle of it changes nothing.
package struct Caller: Sendable {
    /// Hears of each right that was asked for in vain.
    package typealias Denial = @Sendable (CallerIdentity, Right, Scope) -> Void

    package let identity: CallerIdentity
    package let policy: Policy
    private let onDenial: Denial

    package init(_ identity: CallerIdentity, under policy: Policy, onDenial: @escaping Denial = { _, _, _ in }) {
        self.identity = identity
        self.policy = policy
        self.onDenial = onDenial
    }

    package var uid: UInt32 { identity.uid }
    package var unit: String? { identity.unit }

    package func may(_ right: Right, on scope: Scope) -> Bool {
        policy.rule(granting: right, on: scope, to: identity) != nil
    }

    /// The rules that match the caller, whatever they grant.
    package var rules: [PolicyRule] { policy.rules(matching: identity) }

    /// Throws `not-allowed`, or what a config that does not exist throws where the caller has no right on that name at all.
    package func require(_ right: Right, on scope: Scope) throws(Problem) {
        guard !may(right, on: scope) else { return }
        onDenial(identity, right, scope)
        if case .config(let name) = scope, !Right.allCases.contains(where: { may($0, on: scope) }) { throw .unknownConfig(name) }
        let place =
            switch scope {
            case .everything: "on '*'"
            case .config(let name): "on '\(name)'"
            }
        throw Problem(
            .notAllowed, "No rule of the policy gives \(identity.inWords) the right '\(right.rawValue)' \(place).",
            nextStep: "keyturn whoami")
    }
}

extension CallerIdentity {
    package var inWords: String { unit.map { "uid \(uid) in \($0)" } ?? "uid \(uid)" }
}

extension Problem {
    /// The same whether it does not exist or the caller may not know.
    package static func unknownConfig(_ name: ConfigName) -> Problem {
        Problem(.unknownConfig, "There is no config '\(name)'.", nextStep: "keyturn config list")
    }
}
