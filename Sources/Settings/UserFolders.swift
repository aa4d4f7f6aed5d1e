/// Where a user's own daemon has its things: below the XDG base directories. Where a variable is unset, or not absolute, the specification's
/// default counts.
package struct UserFolders: Sendable, Equatable {
    /// `$XDG_CONFIG_HOME/keyturn`: keyturn.yaml and the policy.
    package let settings: String
    /// `$XDG_STATE_HOME/keyturn`; the key file and the counter are beside it.
    package let vault: String
    /// `$XDG_RUNTIME_DIR/keyturn/keyturn.sock`; there is no default for that one, so `nil` where it is unset.
    package let socket: String?

    /// `nil` for a user without a home.
    package init?(environment: [String: String]) {
        func folder(_ variable: String) -> String? { environment[variable].flatMap { $0.hasPrefix("/") ? $0 : nil } }
        func below(_ variable: String, orHome path: String) -> String? { folder(variable) ?? folder("HOME").map { "\($0)/\(path)" } }
        guard let config = below("XDG_CONFIG_HOME", orHome: ".config"), let state = below("XDG_STATE_HOME", orHome: ".local/state") else {
            return nil
        }
        settings = "\(config)/keyturn"
        vault = "\(state)/keyturn"
        socket = folder("XDG_RUNTIME_DIR").map { "\($0)/keyturn/keyturn.sock" }
    }
}
