import Glibc
import Settings
import Vault

/// Which daemon a command talks to: the one that was named, else the system's where this user may connect, else the user's own.
///
/// The system's comes first, so that a daemon of one's own never gets what was meant for the system's. A user's own counts only where nobody
/// else can have put it: in a folder of that user's that others can't write, whatever `$XDG_RUNTIME_DIR` says. Where it is not there, the
/// user's vault says that it is meant all the same. Root never uses it.
struct SocketChoice: Equatable {
    let path: String
    let kind: Kind

    enum Kind: Equatable {
        /// By `--socket` or `KEYTURN_SOCKET`.
        case named
        case system
        case user
    }

    static let systemPath = "/run/keyturn/keyturn.sock"

    init(flag: String?, environment: [String: String]) {
        if let named = flag ?? environment["KEYTURN_SOCKET"].flatMap({ $0.isEmpty ? nil : $0 }) {
            (path, kind) = (named, .named)
        } else if let own = UserFolders(environment: environment), let socket = own.socket, Self.isOwn(socket, vault: own.vault),
            !Self.mayConnect(Self.systemPath)
        {
            (path, kind) = (socket, .user)
        } else {
            (path, kind) = (Self.systemPath, .system)
        }
    }

    /// systemd knows more where its units have put the socket; elsewhere somebody started the daemon, or did not.
    static func whoToAsk(_ path: String) -> String {
        if path == systemPath { return "systemctl status keyturnd.socket keyturnd.service" }
        guard path.hasPrefix("/run/user/") else { return "pgrep -a keyturnd" }
        return FileFacts(path: path) == nil
            ? "systemctl --user start keyturnd.socket" : "systemctl --user status keyturnd.socket keyturnd.service"
    }

    private static func mayConnect(_ path: String) -> Bool {
        // SAFETY: the path is a C string for the length of the call.
        access(path, R_OK | W_OK) == 0
    }

    /// Also of a socket that is not there, if the vault is: its unit is down.
    private static func isOwn(_ socket: String, vault: String) -> Bool {
        // SAFETY: no arguments, can't fail.
        guard geteuid() != 0 else { return false }
        let folder = String(socket[..<socket.lastIndex(of: "/")!])
        // The specification wants `$XDG_RUNTIME_DIR` to be its user's alone as well.
        guard isOwnFolder(String(folder[..<folder.lastIndex(of: "/")!])) else { return false }
        guard FileFacts(path: folder) != nil else { return isOwnFolder(vault) }
        guard isOwnFolder(folder) else { return false }
        return FileFacts(path: socket).map { $0.kind == .socket } ?? isOwnFolder(vault)
    }

    private static func isOwnFolder(_ path: String) -> Bool {
        guard let folder = FileFacts(path: path) else { return false }
        // SAFETY: no arguments, can't fail.
        return folder.kind == .folder && folder.uid == geteuid() && folder.mode & 0o022 == 0
    }
}
