import FoundationEssentials
import Glibc
import NIOCore

/// Who serves a socket, as the kernel says. With socket activation that is who called listen(2): PID 1.
enum ServerIdentity {
    /// A secret is sealed to the key that the server offers. So the server must be root, ourselves, or the owner of the socket's
    /// folder: nobody else can have put a socket there.
    static func isTrusted(server: uid_t, ownUID: uid_t, folderOwner: uid_t?) -> Bool {
        server == 0 || server == ownUID || server == folderOwner
    }

    /// `struct ucred` of unix(7), which the Glibc module leaves out.
    struct Credentials: Sendable {
        var pid: pid_t = 0
        var uid: uid_t = 0
        var gid: gid_t = 0
    }

    static func folderOwner(of socketPath: String) -> uid_t? {
        let folder = socketPath.contains("/") ? String(socketPath[..<socketPath.lastIndex(of: "/")!]) : "."
        var status = stat()
        // SAFETY: stat(2) fills the structure or fails.
        guard unsafe stat(folder.isEmpty ? "/" : folder, &status) == 0 else { return nil }
        return status.st_uid
    }
}

extension Daemon {
    func check(_ rule: Request.PeerRule, of channel: any Channel) async throws {
        switch rule {
        case .anyone: return
        case .trusted:
            guard let options = channel as? any SocketOptionProvider else { preconditionFailure("a socket without socket options") }
            // SAFETY: SO_PEERCRED fills a struct ucred, whose layout `Credentials` has.
            let server: ServerIdentity.Credentials = try await options.unsafeGetSocketOption(
                level: .socket, name: .init(rawValue: SO_PEERCRED)
            ).get()
            // SAFETY: geteuid(2) has no preconditions and can't fail.
            let ownUID = geteuid()
            let owner = ServerIdentity.folderOwner(of: socketPath)
            guard ServerIdentity.isTrusted(server: server.uid, ownUID: ownUID, folderOwner: owner) else {
                throw ClientError.untrusted(
                    path: socketPath,
                    why: "it runs as uid \(server.uid), which is neither root, nor you, nor the owner of the socket's folder")
            }
        }
    }
}
