package import Model

/// What an administrator can set about the daemon: keyturn.yaml(5).
package struct DaemonSettings: Sendable, Equatable {
    /// The vault's folder.
    package var vault = "/var/lib/keyturn"
    /// Where to listen when systemd hands over no socket.
    package var socket = "/run/keyturn/keyturn.sock"
    /// Permissions of a socket made here; a socket unit has its own.
    package var socketMode: UInt32 = 0o660
    /// Name or number; `nil` is the daemon's own group.
    package var socketGroup: String?
    /// The unlock key; `nil` is the credential `keyturn.key` where systemd passed one, else `<vault>.key`.
    package var keyFile: String?
    /// Where the vault's counter is mirrored, so that an older copy of the vault is found; `nil` is `<vault>.counter`.
    package var counterFile: String?
    package var logLevel: LogLevel = .info
    /// `nil`: the journal's fields where standard error is the journal, else text.
    package var logFormat: LogFormat?
    /// How long what is waiting may take when the daemon stops.
    package var stopTimeout = TimeSpan(.seconds(25))
    package var rotation = RotationSettings()

    package init() {}

    package enum LogLevel: String, Sendable, CaseIterable {
        case trace, debug, info, notice, warning, error, critical
    }

    package enum LogFormat: String, Sendable, CaseIterable {
        case text, json
    }
}
