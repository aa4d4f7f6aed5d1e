/// Where a numbered credential of a config stands: `staged` → `pending` → `current` → `previous` → `retired`,
/// or it ends as `rejected` or `discarded`.
package enum VersionState: String, Sendable, Codable {
    case staged, pending, current, previous, retired, rejected, discarded

    /// Whether the vault still keeps the credential's bytes for a use to come.
    package var isLive: Bool {
        switch self {
        case .staged, .pending, .current, .previous: true
        case .retired, .rejected, .discarded: false
        }
    }
}

/// What is known of a version at the backend. `proven`: its own PUT was accepted, nothing else was sent since, and a later
/// validate succeeded. `off`: the operator switched proving off for the config.
package enum Proof: String, Sendable, Codable {
    case proven, unproven, failed, off
}

/// The states of a rotation. `running` and `waiting` go on by themselves, `stuck` needs a human, the rest have ended.
package enum RotationState: String, Sendable, Codable {
    case running, waiting, stuck, succeeded, rejected, failed, cancelled

    package var hasEnded: Bool {
        switch self {
        case .running, .waiting, .stuck: false
        case .succeeded, .rejected, .failed, .cancelled: true
        }
    }
}

/// A config's state as shown: the first that applies, in this order.
package enum ConfigState: String, Sendable, Codable, CaseIterable {
    case running, waiting, quarantined, stuck, failed, paused, overdue, due, ok

    package init(_ text: String) throws(InvalidValue) {
        guard let state = ConfigState(rawValue: text) else {
            throw InvalidValue("one of \(ConfigState.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self = state
    }
}

/// How many a version is of its config: from 1 at staging, never used twice.
package typealias VersionNumber = Int
