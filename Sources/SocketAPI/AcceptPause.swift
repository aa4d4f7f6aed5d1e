import NIOCore

/// Takes no connection for a while after one that could not be taken, for want of file descriptors: it stays in the queue, and whoever asks for
/// it again at once does nothing else. NIO's `AcceptBackoffHandler` holds back the next read only, and a failed one is still pending.
final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private static let length = TimeAmount.milliseconds(100)

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is IOError else {
            context.fireErrorCaught(error)
            return
        }
        let channel = context.channel
        try? channel.syncOptions?.setOption(.autoRead, value: false)
        // In vain once the socket is closed.
        channel.eventLoop.scheduleTask(in: Self.length) { channel.setOption(.autoRead, value: true) }
    }
}
