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

    /// Without a TLS farewell. Returns when all are closed and, unless they take more than a minute over it, the other sides' kernels know:
    /// under load the loopback delivers late, and a request written meanwhile is lost for real.
    func cutAll() async {
        for channel in channels.withLock({ Array($0.values) }) {
            channel.eventLoop.execute {
                _ = (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 60))
                (try? channel.pipeline.syncOperations.context(name: ServerConnection.socketEnd))?.close(promise: nil)
            }
            try? await channel.closeFuture.get()
        }
    }

    func waitUntilClosed() async {
        for channel in channels.withLock({ Array($0.values) }) { try? await channel.closeFuture.get() }
    }
}
