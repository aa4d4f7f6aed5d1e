package import Model

/// What a caller may be granted on a config, or on `*` for calls that concern no single one.
package enum Right: String, Sendable, Codable, CaseIterable {
    case status, read, rotate, stage, configure, bind, audit, backup, admin

    /// No call asks for it on a single config.
    package var isForEverythingOnly: Bool {
        switch self {
        case .status, .audit, .backup: true
        case .read, .rotate, .stage, .configure, .bind, .admin: false
        }
    }
}

/// What a right is asked on.
package enum Scope: Sendable, Equatable {
    case everything
    case config(ConfigName)
}
