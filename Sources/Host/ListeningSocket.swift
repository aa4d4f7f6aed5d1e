import CLinux
import Glibc

/// A stream socket to serve: made here, or handed over by systemd.
package struct ListeningSocket: Sendable {
    package let descriptor: Int32
    package let purpose: Purpose
    package let origin: Origin

    /// What is served on it. The name is the one of `FileDescriptorName=`, systemd.socket(5).
    package enum Purpose: String, Sendable, CaseIterable {
        /// The API, on a Unix socket.
        case api = "keyturn"
        /// Metrics and health alone, on a TCP socket of the loopback interface, where nobody can tell who calls.
        case metrics

        var wanted: String {
            switch self {
            case .api: "a listening Unix stream socket (ListenStream=/run/keyturn/keyturn.sock)"
            case .metrics: "a listening TCP socket of a loopback address (ListenStream=127.0.0.1:9464)"
            }
        }
    }

    package enum Origin: Sendable, Equatable {
        /// Bound by this process, which also removes the file.
        case ours(path: String, file: FileIdentity)
        /// From socket activation: the file belongs to systemd, and who connects later is served by the next daemon.
        case inherited
    }

    /// Tells our socket file from one that a successor put in its place.
    package struct FileIdentity: Sendable, Equatable {
        let device: UInt64
        let inode: UInt64
        /// In nanoseconds: an inode's number is used again soon.
        let changed: UInt64
    }

    package init(inherited descriptor: Int32, for purpose: Purpose) {
        self.descriptor = descriptor
        self.purpose = purpose
        self.origin = .inherited
    }

    /// Listens on `path`: whoever connects from here on waits until he is served. A stale socket is replaced only if nobody listens on it; any other file is left alone.
    /// `mode` is what the file gets, `group` a gid or `nil` for the process's own.
    package init(path: String, mode: UInt32, group: UInt32?) throws(SocketFailure) {
        try Self.clear(path)
        // SAFETY: the path is a C string for the length of the call.
        let listening = kt_listen_unix(path, mode_t(mode), group.map(Int64.init) ?? -1)
        guard listening >= 0 else { throw .system(SystemError("listen on '\(path)'")) }
        guard let file = FoundFile(path: path)?.identity else {
            let error = SystemError("look at '\(path)'")
            // SAFETY: the descriptor was made above and is used nowhere else.
            close(listening)
            throw .system(error)
        }
        descriptor = listening
        purpose = .api
        origin = .ours(path: path, file: file)
    }

    /// Removes our socket file, if it still is ours.
    package func removeFile() {
        guard case .ours(let path, let file) = origin, FoundFile(path: path)?.identity == file else { return }
        // SAFETY: the path is a C string for the length of the call.
        unlink(path)
    }

    private static func clear(_ path: String) throws(SocketFailure) {
        guard let found = FoundFile(path: path) else {
            guard errno == ENOENT else { throw .system(SystemError("look at '\(path)'")) }
            return
        }
        guard found.isSocket else { throw .notASocket(path: path) }
        // SAFETY: the path is a C string for the length of the call.
        switch kt_unix_is_served(path) {
        case 1: throw .socketTaken(path: path)
        case 0: break
        default: throw .system(SystemError("see whether somebody listens on '\(path)'"))
        }
        // SAFETY: the path is a C string for the length of the call.
        guard unlink(path) == 0 || errno == ENOENT else { throw .system(SystemError("remove the stale socket '\(path)'")) }
    }
}

/// Why a socket can't be served.
package enum SocketFailure: Error, Equatable, CustomStringConvertible {
    /// Somebody listens there: another daemon runs.
    case socketTaken(path: String)
    /// Something else lies in the socket's place; it is not touched.
    case notASocket(path: String)
    /// An inherited descriptor of a name that means nothing here.
    case unknownName(String)
    /// An inherited descriptor that is not what its name says.
    case unfitDescriptor(ListeningSocket.Purpose)
    case system(SystemError)

    package var description: String {
        switch self {
        case .socketTaken(let path): "'\(path)' is served already: another keyturnd runs. Stop it, or choose another --socket."
        case .notASocket(let path): "'\(path)' is not a socket. Move it away, or choose another --socket."
        case .unknownName(let name):
            "systemd handed over a socket named '\(name)'. Its unit must have FileDescriptorName=keyturn for the API, or =metrics for metrics and health."
        case .unfitDescriptor(let purpose):
            "The socket that systemd handed over as '\(purpose.rawValue)' is not \(purpose.wanted). Mend its unit."
        case .system(let error): "\(error)"
        }
    }
}

/// What lies at a path, links not followed; `nil`, with `errno`, where nothing can be seen.
private struct FoundFile {
    let identity: ListeningSocket.FileIdentity
    let isSocket: Bool

    init?(path: String) {
        var (device, inode, changed) = (UInt64(0), UInt64(0), UInt64(0))
        // SAFETY: the path is a C string, and the three are live variables, for the length of the call.
        let kind = kt_look_at(path, &device, &inode, &changed)
        guard kind >= 0 else { return nil }
        identity = ListeningSocket.FileIdentity(device: device, inode: inode, changed: changed)
        isSocket = kind == 1
    }
}
