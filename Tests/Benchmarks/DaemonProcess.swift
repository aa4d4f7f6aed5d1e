import Foundation
import Glibc
import KeyturnClient

/// A real keyturnd that gets its socket as systemd would hand it over.
final class DaemonProcess: Sendable {
    let pid: pid_t
    let socketPath: String
    let client: Daemon

    init(_ executable: String, vault: String, socket: String) throws {
        socketPath = socket
        client = Daemon(socketPath: socket)
        let listener = try Self.listen(socket)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // sd_listen_fds(3) wants LISTEN_PID to be the daemon's own: a shell that becomes it knows it.
        posix_spawn_file_actions_adddup2(&actions, listener, 3)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        let script = "LISTEN_FDS=1 LISTEN_FDNAMES=keyturn LISTEN_PID=$$ exec '\(executable)' --vault '\(vault)'"
        var arguments = ["sh", "-c", script].map { (text: String) in strdup(text) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        guard posix_spawn(&pid, "/bin/sh", &actions, nil, &arguments, environ) == 0 else { throw BenchFailure("keyturnd can't be started") }
        self.pid = pid
        close(listener)
    }

    private static func listen(_ path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
        guard bound == 0, Glibc.listen(descriptor, 128) == 0 else { throw BenchFailure("no socket at \(path)") }
        return descriptor
    }

    /// Private memory, in KiB: RssAnon of /proc/PID/status.
    func privateKiB() throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("RssAnon:") }),
            let amount = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) })
        else { throw BenchFailure("no RssAnon") }
        return amount
    }

    func stop() {
        kill(pid, SIGTERM)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        unlink(socketPath)
    }
}
