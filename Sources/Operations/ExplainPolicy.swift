package import Access

extension VaultService {
    /// Which rule gives a caller a right, and which ones match the caller at all.
    package func explain(
        _ right: Right, on scope: Scope, for identity: CallerIdentity, as caller: Caller
    ) throws -> (granting: PolicyRule?, matching: [PolicyRule]) {
        try caller.require(.audit, on: .everything)
        return (caller.policy.rule(granting: right, on: scope, to: identity), caller.policy.rules(matching: identity))
    }
}
