package import Model

/// Who may do what. Denies unless a rule allows; the order of the rules means nothing.
package struct Policy: Sendable, Equatable {
    package let rules: [PolicyRule]

    package init(rules: [PolicyRule]) {
        self.rules = rules
    }

    /// Without a policy file: root and the daemon's own user have every right, all others none.
    package static func ownerOnly(daemonUID: UInt32) -> Policy {
        let users = daemonUID == 0 ? [0] : [0, daemonUID]
        return Policy(
            rules: users.map { uid in
                PolicyRule(
                    name: uid == 0 ? "root" : "the daemon's user", who: CallerPattern(uid: uid), configs: [.all],
                    rights: Set(Right.allCases),
                    place: nil)
            })
    }

    /// The first that does; `nil` when none does.
    package func rule(granting right: Right, on scope: Scope, to caller: CallerIdentity) -> PolicyRule? {
        rules.first { $0.grants(right, on: scope) && $0.who.matches(caller) }
    }

    package func rules(matching caller: CallerIdentity) -> [PolicyRule] {
        rules.filter { $0.who.matches(caller) }
    }
}

package typealias PolicyInForce = InForce<Policy>
