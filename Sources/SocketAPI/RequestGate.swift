import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Lets only whole requests through, one connection's worth: what is too large, too slow or not HTTP is answered here and never reaches a route.
///
/// It sits right behind the HTTP codec. A refusal waits for the replies to earlier requests, then ends the connection.
final class RequestGate: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: ServerLimits
    private let stamp: ReplyStamp
    /// `nil` where callers are not told apart.
    private let room: BodyRoom?
    private let onRefusal: (ProblemReply) -> Void

    /// The request that is coming in.
    private var arriving: (head: HTTPRequest, body: ByteBuffer)?
    /// Whole requests handed on and not answered yet.
    private var unanswered = 0
    /// What the caller is told when the earlier ones are answered.
    private var refusal: ProblemReply?
    /// The reply that is being written ends the connection.
    private var closesAfterReply = false
    /// Whatever still comes is thrown away.
    private var isOver = false
    /// No request came in whole yet.
    private var isFirst = true

    private enum Deadline { case request, idle, linger }
    private var deadline: (kind: Deadline, timer: Scheduled<Void>)?
    private var context: ChannelHandlerContext?

    /// `refusal`: turn the caller away at once.
    init(limits: ServerLimits, stamp: ReplyStamp, room: BodyRoom?, refusal: ProblemReply?, onRefusal: @escaping (ProblemReply) -> Void) {
        self.limits = limits
        self.stamp = stamp
        self.room = room
        self.refusal = refusal
        self.onRefusal = onRefusal
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { begin(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.timer.cancel()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        begin(context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.timer.cancel()
        deadline = nil
        context.fireChannelInactive()
    }

    // MARK: Requests

    /// Bytes came in, which may be a part of a request line: the clock runs from the first of them.
    func bytesArrived() {
        guard let context, !isOver, refusal == nil, deadline?.kind != .request else { return }
        start(.request, in: limits.requestTime, context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver, refusal == nil else { return }
        switch unwrapInboundIn(data) {
        case .head(let head): arrived(head, context)
        case .body(let bytes): arrived(bytes, context)
        case .end(let trailers): arrivedWhole(trailers, context)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        // The channel above asks for no more once its writing side is closed.
        if isOver { context.read() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case HTTPParserError.headerOverflow: refuse(ProblemReply(.headTooLarge), context)
        case is HTTPParserError, is HTTP1TypeConversionError: refuse(ProblemReply(.malformed), context)
        default: context.fireErrorCaught(error)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent, isRequestAwaited {
            // It is told that the daemon stops, and its connection ends with that; who only connected is not waited for.
            if deadline?.kind == .idle { start(.idle, in: limits.firstRequestTime, context) }
            return
        }
        context.fireUserInboundEventTriggered(event)
        if isOver, case .inputClosed? = event as? ChannelEvent { context.close(promise: nil) }
    }

    /// Who has just connected, or sends already, would not know whether a request was heard if its connection just ended.
    private var isRequestAwaited: Bool { unanswered == 0 && (isFirst || deadline?.kind == .request) }

    private func arrived(_ head: HTTPRequest, _ context: ChannelHandlerContext) {
        let announced = head.headerFields[.contentLength].flatMap { Int($0) } ?? 0
        guard announced <= limits.bodyBytesMax else { return refuse(ProblemReply(.bodyTooLarge), context) }
        arriving = (head, ByteBuffer())
        // Who asks first is told to go on, but not in the middle of another reply: RFC 9110, 10.1.1, lets it go on by itself then.
        if unanswered == 0, head.headerFields[.expect]?.lowercased() == "100-continue" {
            context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
        }
    }

    private func arrived(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        guard let size = arriving?.body.readableBytes, size + bytes.readableBytes <= limits.bodyBytesMax else {
            arriving = nil
            return refuse(ProblemReply(.bodyTooLarge), context)
        }
        guard room?.hold(bytes.readableBytes) ?? true else {
            arriving = nil
            return refuse(ProblemReply(.tooManyBytes), context)
        }
        arriving?.body.writeImmutableBuffer(bytes)
    }

    private func arrivedWhole(_ trailers: HTTPFields?, _ context: ChannelHandlerContext) {
        guard let request = arriving else { return }
        arriving = nil
        isFirst = false
        unanswered += 1
        stopClock()
        context.fireChannelRead(wrapInboundOut(.head(request.head)))
        if request.body.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(.body(request.body))) }
        context.fireChannelRead(wrapInboundOut(.end(trailers)))
    }

    // MARK: Replies

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        context.write(data, promise: promise)
        switch part {
        case .head(let head):
            closesAfterReply = closesAfterReply || head.headerFields[.connection] == "close"
        case .body: break
        case .end:
            answered(context)
        }
    }

    private func answered(_ context: ChannelHandlerContext) {
        unanswered -= 1
        if unanswered == 0, arriving == nil { room?.letGo() }
        guard unanswered == 0 || closesAfterReply else { return }
        if closesAfterReply {
            context.flush()
            linger(context)
        } else if refusal != nil {
            writeRefusal(context)
        } else if deadline == nil {
            start(.idle, in: limits.idleTime, context)
        }
    }

    private func refuse(_ reply: ProblemReply, _ context: ChannelHandlerContext) {
        guard !isOver, refusal == nil else { return }
        arriving = nil
        if unanswered == 0 { room?.letGo() }
        refusal = reply
        stopClock()
        if unanswered == 0 { writeRefusal(context) }
    }

    private func writeRefusal(_ context: ChannelHandlerContext) {
        guard let refusal else { return }
        onRefusal(refusal)
        var response = refusal.response
        response.headers[.connection] = "close"
        stamp.put(on: &response.headers, requestID: ReplyStamp.newRequestID())
        context.write(wrapOutboundOut(.head(response.head)), promise: nil)
        context.write(wrapOutboundOut(.body(refusal.body)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        linger(context)
    }

    /// Closes our side and reads on for a while: a socket closed with unread bytes makes the caller fail before it has read the reply.
    private func linger(_ context: ChannelHandlerContext) {
        isOver = true
        context.close(mode: .output, promise: nil)
        start(.linger, in: limits.lingerTime, context)
        context.read()
    }

    // MARK: Time

    private func begin(_ context: ChannelHandlerContext) {
        if refusal != nil {
            writeRefusal(context)
        } else if deadline == nil {
            start(.idle, in: limits.idleTime, context)
        }
    }

    private func start(_ kind: Deadline, in time: Duration, _ context: ChannelHandlerContext) {
        deadline?.timer.cancel()
        let timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) { self.passed(kind, context) }
        deadline = (kind, timer)
    }

    private func stopClock() {
        deadline?.timer.cancel()
        deadline = nil
    }

    private func passed(_ kind: Deadline, _ context: ChannelHandlerContext) {
        deadline = nil
        switch kind {
        case .request: refuse(ProblemReply(.tooSlow(limits.requestTime), status: 408), context)
        case .idle, .linger: context.close(promise: nil)
        }
    }
}

/// Tells the gate that bytes come in before the parser has made anything of them.
final class ByteWatch: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let gate: RequestGate

    init(_ gate: RequestGate) {
        self.gate = gate
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        gate.bytesArrived()
        context.fireChannelRead(data)
    }
}
