/// The provider behind a remote configuration, spelled as the backend spells it (`aiType` of `PUT /ai/llm/{id}`).
package enum AIType: String, Sendable, Codable, CaseIterable {
    case openAI = "OPENAI"
    case google = "GOOGLE"
    case anthropic = "ANTHROPIC"
    case aws = "AWS"
    case other = "OTHER"

    package init(_ text: String) throws(InvalidValue) {
        guard let type = AIType(rawValue: text) else {
            throw InvalidValue("one of \(AIType.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self = type
    }
}

/// Which field of the PUT carries a lone API key. The backend's own pages contradict each other, so the operator chooses.
package enum CredentialField: String, Sendable, Codable, CaseIterable {
    case key, secret

    package init(_ text: String) throws(InvalidValue) {
        guard let field = CredentialField(rawValue: text) else { throw InvalidValue("'key' or 'secret'") }
        self = field
    }
}

/// The non-secret fields of the PUT. `nil` means "not sent", which leaves the backend's value as it is.
package struct RemoteFields: Hashable, Sendable, Codable {
    package var name: String?
    package var endpoint: String?
    package var aiType: AIType?

    package init(name: String? = nil, endpoint: String? = nil, aiType: AIType? = nil) {
        self.name = name
        self.endpoint = endpoint
        self.aiType = aiType
    }

    package var isEmpty: Bool { name == nil && endpoint == nil && aiType == nil }
}
