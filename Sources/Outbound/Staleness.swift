#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif
internal import NIOCore

/// Whether an idle connection has been closed by the other side without the event loop having looked yet. A busy loop runs its tasks before it
/// polls again, and a request written in between would be lost with an unknown outcome, for nothing.
enum Staleness {
    /// Between two exchanges nothing may come: any byte is a farewell or a breach of protocol, so both count as stale.
    static func isSeen(on channel: any Channel) -> Bool {
        let seen: Bool? = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { socket in
            var byte: UInt8 = 0
            // SAFETY: one byte of our own to peek into; the channel keeps the descriptor open while we are on its event loop.
            let count = unsafe recv(socket, &byte, 1, CInt(MSG_PEEK) | CInt(MSG_DONTWAIT))
            return count >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        }
        return seen ?? false
    }
}
