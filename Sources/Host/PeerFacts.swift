import CLinux
import Glibc

/// Who is at the other end of a Unix socket, as the kernel recorded it at connect().
package struct PeerFacts: Sendable {
    package let uid: UInt32
    package let gid: UInt32
    /// Supplementary groups.
    package let groups: [UInt32]
    /// In this process's PID namespace; 0 when it has no number there, or is gone.
    package let pid: Int32
    /// Pins the process, so that a recycled pid is noticed. `nil` before Linux 6.5.
    package let process: Descriptor?

    package init(uid: UInt32, gid: UInt32, groups: [UInt32], pid: Int32, process: Descriptor?) {
        self.uid = uid
        self.gid = gid
        self.groups = groups
        self.pid = pid
        self.process = process
    }

    /// Asks the kernel about a connected socket.
    package init(ofSocket socket: Int32) throws(SystemError) {
        var uid: UInt32 = 0
        var gid: UInt32 = 0
        var pid: Int32 = 0
        // SAFETY: the three pointers are to live variables of the right types; the caller keeps the socket open.
        guard kt_peer_credentials(socket, &uid, &gid, &pid) == 0 else { throw SystemError("ask who connected") }
        // SAFETY: takes a number and answers a new descriptor or -1.
        let pidfd = kt_peer_pidfd(socket)
        // A kernel that knows the question and has no answer says that the process is gone: its number may be somebody else's by now.
        let isGone = pidfd < 0 && errno != ENOPROTOOPT
        self.init(
            uid: uid, gid: gid, groups: try Self.groups(ofSocket: socket), pid: isGone ? 0 : pid,
            process: pidfd >= 0 ? Descriptor(owning: pidfd) : nil)
    }

    private static func groups(ofSocket socket: Int32) throws(SystemError) -> [UInt32] {
        // Linux allows 65,536; the kernel tells how much room it wants.
        var groups = [UInt32](repeating: 0, count: 64)
        for _ in 0..<2 {
            var count = groups.count
            // SAFETY: the array has room for `count` groups, and lives through the call.
            if kt_peer_groups(socket, &groups, &count) == 0 { return Array(groups.prefix(count)) }
            guard errno == ERANGE else { break }
            groups = [UInt32](repeating: 0, count: count)
        }
        throw SystemError("ask for the caller's groups")
    }
}
