internal import NIOCore
internal import NIOHTTP1

/// Sits right behind TLS. The TLS library keeps its read buffer for as long as the connection lives, and with it a key that a backend
/// quotes: so the bytes go on in a buffer that wipes itself, and the original is zeroed. Counts them, too: no answer is larger than allowed.
final class DecryptedBytes: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// More came than the limit of the request allows.
    struct Overlong: Error {}

    /// Bytes that may still come for the request under way.
    var allowance = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var original = unwrapInboundIn(data)
        allowance -= original.readableBytes
        var copy = ByteBufferAllocator.wiped.buffer(capacity: original.readableBytes)
        copy.writeImmutableBuffer(original)
        original.wipeReadableBytes()
        guard allowance >= 0 else {
            context.fireErrorCaught(Overlong())
            return
        }
        context.fireChannelRead(wrapInboundOut(copy))
    }
}

/// Sits before TLS. Closing through TLS waits for the other side; from here the socket is closed at once.
final class Breaker: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func cut() {
        context?.close(promise: nil)
    }
}
