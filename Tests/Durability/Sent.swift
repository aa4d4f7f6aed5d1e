import FlashbackStandIn
import Model

/// A PUT as the backend received it.
struct Sent: Sendable {
    let key: String
    /// Not answered with a 401.
    let isWelcome: Bool
    let at: ContinuousClock.Instant
}

extension StandIn {
    /// In the order in which they came.
    var sent: [Sent] {
        received(.put).compactMap { put in put.key.map { Sent(key: $0, isWelcome: put.bearerWasAccepted, at: put.at) } }
    }
}

/// Which versions a key was; more than one where a rollback brought it back.
typealias KeyNames = [String: Set<VersionNumber>]
