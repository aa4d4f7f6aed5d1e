import Glibc
import Settings
import Vault

/// The installation that is looked at.
struct Patient {
    let kind: Kind
    let socket: String
    let environment: [String: String]

    enum Kind: Equatable {
        /// Of the package: system units, /etc/keyturn.
        case system
        /// A user's own daemon.
        case user(UserFolders)
        /// Somebody started a daemon and says where it listens; nothing else is known of it.
        case byHand
    }

    /// `isUser`: asked for by `--user`. Without it, it is the one that other commands would talk to.
    init(_ choice: SocketChoice, isUser: Bool, environment: [String: String]) throws(Failure) {
        self.environment = environment
        let folders = UserFolders(environment: environment)
        if isUser || choice.kind == .user {
            guard let folders, let own = folders.socket else {
                throw .usage("A user's own daemon is found by HOME and XDG_RUNTIME_DIR, and one of them is not set.")
            }
            (kind, socket) = (.user(folders), choice.kind == .named ? choice.path : own)
        } else {
            (kind, socket) = (choice.kind == .system || choice.path == SocketChoice.systemPath ? .system : .byHand, choice.path)
        }
    }

    /// The user whose things they are; `nil` where there is none such.
    var owner: UInt32? {
        switch kind {
        case .system: Accounts.uid(ofUser: "keyturn")
        // SAFETY: no arguments, can't fail.
        case .user, .byHand: geteuid()
        }
    }

    /// How systemctl is told which manager to ask.
    var systemctl: String {
        switch kind {
        case .system, .byHand: "systemctl"
        case .user: "systemctl --user"
        }
    }

    var journalctl: String {
        switch kind {
        case .system, .byHand: "journalctl"
        case .user: "journalctl --user"
        }
    }

    /// Where its settings and its policy are; `nil` where nobody knows.
    var settings: SettingsSources? {
        switch kind {
        case .system: SettingsSources()
        case .user(let folders): SettingsSources(of: folders, environment: [:])
        case .byHand: nil
        }
    }

    var hasBackupTimer: Bool { kind == .system }
}
