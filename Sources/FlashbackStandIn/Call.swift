/// A call of the contract, as orders, counts and the record of requests name it.
package enum Call: Sendable, Hashable, CaseIterable {
    case put, validate, list, refresh
    /// In an order: whichever comes. In the record: what the contract does not have.
    case any
}

/// One request as the stand-in saw it.
package struct Received: Sendable, Equatable {
    package let call: Call
    /// The configuration in the path.
    package let id: String?
    package let at: ContinuousClock.Instant
    /// Connections are numbered from 1 in the order in which they were opened.
    package let connection: Int
    package let method: String
    package let uri: String
    package let bearerWasAccepted: Bool
    /// The string fields of the body.
    package let fields: [String: String]
    /// Whether what it asked for was done, whatever was answered.
    package var tookEffect: Bool

    package var key: String? { fields["key"] }
    package var secret: String? { fields["secret"] }
}

/// What the backend holds of one configuration.
package struct Held: Sendable, Equatable {
    package var id: String
    package var name: String
    package var aiType: String
    package var endpoint: String?
    package var key: String?
    package var secret: String?
    /// Set: the credential comes from a shared key.
    package var apiKeyID: String?
    package var workspaceID: String?
}
