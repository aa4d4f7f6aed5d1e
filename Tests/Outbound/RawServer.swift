import NIOCore
import NIOPosix

/// A server that answers the first bytes of each connection with what it was given, whatever that is.
struct RawServer {
    let port: Int
    private let listener: any Channel

    enum Ending: Sendable {
        case staysOpen, closes
    }

    static func with(_ answer: String, _ ending: Ending, _ body: (RawServer) async throws -> Void) async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Once(answer, ending)) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do {
            try await body(RawServer(port: listener.localAddress!.port!, listener: listener))
        } catch {
            try await listener.close()
            throw error
        }
        try await listener.close()
    }

    private final class Once: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let answer: String
        private let ending: Ending
        private var hasAnswered = false

        init(_ answer: String, _ ending: Ending) {
            self.answer = answer
            self.ending = ending
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard !hasAnswered else { return }
            hasAnswered = true
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
            if case .closes = ending { context.close(promise: nil) }
        }
    }
}
