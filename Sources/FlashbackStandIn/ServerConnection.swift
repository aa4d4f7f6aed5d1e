#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif
internal import NIOCore
internal import NIOHTTP1

/// The server's end of one connection: collects a request, asks for its plan, carries it out.
final class ServerConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let number: Int
    private let desk: Desk
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    /// Seen when the request under way was taken.
    private var releases = 0

    /// Real bodies are a few kilobytes; a credential has 64 KiB at most.
    private static let bodyBytesMax = 1 << 20

    init(number: Int, desk: Desk) {
        self.number = number
        self.desk = desk
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body.clear()
        case .body(let bytes):
            guard body.readableBytes + bytes.readableBytes <= Self.bodyBytesMax else {
                context.close(promise: nil)
                return
            }
            body.writeImmutableBuffer(bytes)
        case .end:
            guard let head else { return }
            self.head = nil
            let (plan, releases) = desk.take(
                Books.Incoming(
                    method: head.method.rawValue, uri: head.uri, bearer: Self.bearer(head.headers), body: Array(body.readableBytesView),
                    connection: number))
            self.releases = releases
            carryOut(plan, keepsAlive: head.isKeepAlive, context)
        }
    }

    private static func bearer(_ headers: HTTPHeaders) -> String? {
        guard let value = headers.first(name: "authorization"), value.hasPrefix("Bearer ") else { return nil }
        return String(value.dropFirst("Bearer ".count))
    }

    private func carryOut(_ plan: Plan, keepsAlive: Bool, _ context: ChannelHandlerContext) {
        let loop = context.eventLoop.assumeIsolated()
        switch plan {
        case .reply(let answer): send(answer, keepsAlive, context)
        case .replyLater(let answer, let delay): loop.scheduleTask(in: TimeAmount(delay)) { self.send(answer, keepsAlive, context) }
        case .replyOnRelease(let answer): whenReleased(context) { self.send(answer, keepsAlive, context) }
        case .replySlowly(let answer):
            sendHead(answer, keepsAlive, context)
            sendBody(answer.body.prefix(1), context)
            whenReleased(context) {
                self.sendBody(answer.body.dropFirst(), context)
                self.sendEnd(keepsAlive, context)
            }
        case .replyWithoutEnd:
            let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: ["content-type": "application/json"])
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            sendForever(context)
        case .reset: reset(context)
        case .resetAndLand(let request, let delay):
            let desk = desk
            context.eventLoop.scheduleTask(in: TimeAmount(delay)) { desk.with { $0.land(request) } }
            reset(context)
        case .closeOnRelease: whenReleased(context) { context.close(promise: nil) }
        }
    }

    private func whenReleased(_ context: ChannelHandlerContext, _ body: @escaping () -> Void) {
        let body = NIOLoopBound(body, eventLoop: context.eventLoop)
        let loop = context.eventLoop
        desk.onRelease(after: releases) { loop.execute { body.value() } }
    }

    private func send(_ answer: Answer, _ keepsAlive: Bool, _ context: ChannelHandlerContext) {
        sendHead(answer, keepsAlive, context)
        if !answer.body.isEmpty { context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil) }
        sendEnd(keepsAlive, context)
    }

    private func sendHead(_ answer: Answer, _ keepsAlive: Bool, _ context: ChannelHandlerContext) {
        var headers = HTTPHeaders(answer.headers.map { ($0.key, $0.value) })
        headers.add(name: "content-length", value: String(answer.body.count))
        if !keepsAlive { headers.add(name: "connection", value: "close") }
        let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: answer.status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
    }

    private func sendBody(_ bytes: ArraySlice<UInt8>, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: bytes)))), promise: nil)
    }

    private func sendEnd(_ keepsAlive: Bool, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        if !keepsAlive { context.close(promise: nil) }
    }

    /// As fast as the other side reads.
    private func sendForever(_ context: ChannelHandlerContext) {
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenSuccess { self.sendForever(context) }
        context.writeAndFlush(
            wrapOutboundOut(.body(.byteBuffer(ByteBuffer(repeating: UInt8(ascii: "x"), count: 16 * 1024)))), promise: written)
    }

    /// A TCP reset: the kernel sends one when a socket without linger time is closed.
    private func reset(_ context: ChannelHandlerContext) {
        let channel = context.channel
        _ = (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        // From the pipeline's head, past TLS and its farewell.
        (try? channel.pipeline.syncOperations.context(name: Self.socketEnd))?.close(promise: nil)
    }

    static let socketEnd = "socket end"

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

/// Marks the place before TLS.
final class SocketEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
}
