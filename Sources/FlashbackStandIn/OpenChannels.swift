#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif
internal import NIOCore
internal import Synchronization

/// The connections that are open, so that they can be cut.
final class OpenChannels: Sendable {
    private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])

    func add(_ channel: any Channel) {
        let key = ObjectIdentifier(channel)
        channels.withLock { $0[key] = channel }
        channel.closeFuture.whenComplete { [weak self] _ in self?.forget(key) }
    }

    private func forget(_ key: ObjectIdentifier) {
        channels.withLock { _ = $0.removeValue(forKey: key) }
    }

    /// Without a TLS farewell. Returns when all are closed and the other sides' kernels know: under load the loopback delivers late, and a request
    /// written meanwhile is lost for real. A close alone does not tell them while a program that is being started still has a copy of the socket.
    func cutAll() async {
        for channel in channels.withLock({ Array($0.values) }) {
            try? await channel.eventLoop.submit { Self.sayEnd(on: channel) }.get()
            while (try? await channel.eventLoop.submit { Self.isEndKnown(on: channel) }.get()) == false {
                try? await Task.sleep(for: .milliseconds(1))
            }
            channel.eventLoop.execute {
                (try? channel.pipeline.syncOperations.context(name: ServerConnection.socketEnd))?.close(promise: nil)
            }
            try? await channel.closeFuture.get()
        }
    }

    private static func sayEnd(on channel: any Channel) {
        withSocket(of: channel) { socket in
            // SAFETY: the channel keeps the descriptor open while we are on its event loop.
            _ = shutdown(socket, CInt(SHUT_WR))
        }
    }

    /// A socket that is closed, or whose system does not say, is taken to have told.
    private static func isEndKnown(on channel: any Channel) -> Bool {
        #if os(Linux)
            withSocket(of: channel) { socket in
                var info = tcp_info()
                var size = socklen_t(MemoryLayout<tcp_info>.size)
                // SAFETY: both are live variables; the channel keeps the descriptor open while we are on its event loop.
                guard unsafe getsockopt(socket, CInt(IPPROTO_TCP), TCP_INFO, &info, &size) == 0 else { return true }
                return ![TCP_ESTABLISHED, TCP_FIN_WAIT1].contains(Int(info.tcpi_state))
            } ?? true
        #else
            true
        #endif
    }

    @discardableResult
    private static func withSocket<Outcome>(of channel: any Channel, _ body: (NIOBSDSocket.Handle) -> Outcome) -> Outcome? {
        try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { body($0) }
    }

    func waitUntilClosed() async {
        for channel in channels.withLock({ Array($0.values) }) { try? await channel.closeFuture.get() }
    }
}
