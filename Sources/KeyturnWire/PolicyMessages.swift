/// A rule of the policy.
package struct PolicyRule: Codable, Sendable, Equatable {
    package var name: String
    /// Patterns of config names; `*` is all, and everything that concerns no single config.
    package var configs: [String]
    package var may: [String]
    /// Where it stands; `null` for what holds without any file.
    @Nullable package var file: String?
    @Nullable package var line: Int64?

    package init(name: String, configs: [String], may: [String], file: String? = nil, line: Int64? = nil) {
        self.name = name
        self.configs = configs
        self.may = may
        self.file = file
        self.line = line
    }

    package enum CodingKeys: String, CodingKey {
        case name
        case configs
        case may
        case file
        case line
    }
}

/// Answer to `GET /v1/policy/explain`.
package struct PolicyExplanation: Codable, Sendable, Equatable {
    package var allowed: Bool
    package var right: String
    /// `null`: on everything.
    @Nullable package var config: String?
    /// The rule that grants it; `null` when none does.
    @Nullable package var rule: PolicyRule?
    /// Those that match the caller, whatever they grant.
    package var rules: [PolicyRule]

    package init(allowed: Bool, right: String, config: String? = nil, rule: PolicyRule? = nil, rules: [PolicyRule]) {
        self.allowed = allowed
        self.right = right
        self.config = config
        self.rule = rule
        self.rules = rules
    }

    package enum CodingKeys: String, CodingKey {
        case allowed
        case right
        case config
        case rule
        case rules
    }
}
