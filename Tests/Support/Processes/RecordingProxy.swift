import NIOCore
import NIOPosix
import Synchronization

/// Stands between callers and a daemon's socket, and keeps every byte that passes.
package final class RecordingProxy: Sendable {
    private let target: String
    private let record = Mutex<[UInt8]>([])
    private let listener = Mutex<(any Channel)?>(nil)

    private init(target: String) {
        self.target = target
    }

    package static func start(at path: String, target: String) async throws -> RecordingProxy {
        let proxy = RecordingProxy(target: target)
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { proxy.accept($0) }
            .bind(unixDomainSocketPath: path).get()
        proxy.listener.withLock { $0 = channel }
        return proxy
    }

    package func stop() async {
        let channel = listener.withLock { listener in
            defer { listener = nil }
            return listener
        }
        try? await channel?.close()
    }

    /// All that passed, in both directions.
    package var bytes: [UInt8] { record.withLock { $0 } }

    private func accept(_ caller: any Channel) -> EventLoopFuture<Void> {
        ClientBootstrap(group: caller.eventLoop)
            .channelInitializer { daemon in
                daemon.eventLoop.makeCompletedFuture { try daemon.pipeline.syncOperations.addHandler(Passage(to: caller, self)) }
            }
            .connect(unixDomainSocketPath: target)
            .flatMapThrowing { daemon in
                try caller.pipeline.syncOperations.addHandler(Passage(to: daemon, self))
            }
    }

    fileprivate func keep(_ bytes: ByteBufferView) {
        record.withLock { $0.append(contentsOf: bytes) }
    }
}

/// One direction of a connection.
private final class Passage: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let other: any Channel
    private let proxy: RecordingProxy

    init(to other: any Channel, _ proxy: RecordingProxy) {
        self.other = other
        self.proxy = proxy
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        proxy.keep(bytes.readableBytesView)
        other.writeAndFlush(bytes, promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        // After what is still being written.
        let other = other
        other.writeAndFlush(ByteBuffer()).whenComplete { _ in other.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
