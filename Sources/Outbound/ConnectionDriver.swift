internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import NIOTLS

/// The last in a connection's pipeline: announces when it may be used, then carries one exchange at a time. Lives on its event loop.
final class ConnectionDriver: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private enum State {
        /// → idle when TLS stands and the pin holds, → broken
        case opening
        /// → waiting, → broken
        case idle
        /// The request is written; → reading, → broken
        case waiting(Underway)
        /// The head of the answer is there; → idle, → broken
        case reading(Underway, HTTPResponseHead, ByteBuffer)
        case broken
    }

    private struct Underway {
        let exchange: Exchange
        let continuation: CheckedContinuation<Exchange.End, Never>
        let timer: Scheduled<Void>
    }

    private var state = State.opening
    private var context: ChannelHandlerContext?
    /// Whoever waits for the end of `opening`.
    private var opened: EventLoopPromise<Void>?
    private var openingFailure: Failure?
    /// Of the answer under way, so far.
    private var bodyBytes = 0
    /// Whether it has carried an exchange before.
    private var hasServed = false
    private let pin: PinVerdict
    private let tls: NIOSSLClientHandler?
    private let decrypted: DecryptedBytes
    private let breaker: Breaker

    init(pin: PinVerdict, tls: NIOSSLClientHandler?, decrypted: DecryptedBytes, breaker: Breaker) {
        self.pin = pin
        self.tls = tls
        self.decrypted = decrypted
        self.breaker = breaker
    }

    /// Completes `promise` when the connection may be used, or can't be.
    func whenOpen(_ promise: EventLoopPromise<Void>) {
        switch state {
        case .opening: opened = promise
        case .idle, .waiting, .reading: promise.succeed()
        case .broken: promise.fail(openingFailure ?? Failure(.connectFailed, "no connection could be made", wasSent: false))
        }
    }

    func cut() {
        end(with: Failure(.cancelled, "cancelled", wasSent: true))
    }

    // MARK: Exchanges

    func start(_ exchange: Exchange, _ continuation: CheckedContinuation<Exchange.End, Never>) {
        guard let context, case .idle = state, context.channel.isActive else {
            continuation.resume(returning: .neverWritten)
            return
        }
        // A fresh connection may still have session tickets of TLS to read.
        guard !hasServed || !Staleness.isSeen(on: context.channel) else {
            cut()
            continuation.resume(returning: .neverWritten)
            return
        }
        guard let parts = exchange.takeParts() else {
            continuation.resume(returning: .seen(.failure(Failure(.cancelled, "cancelled", wasSent: false)), connection: .reusable))
            return
        }
        let timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: exchange.deadline) {
            self.end(with: Failure(.timedOut, "no answer within \(exchange.timeLimit.inWords)", wasSent: true))
        }
        state = .waiting(Underway(exchange: exchange, continuation: continuation, timer: timer))
        bodyBytes = 0
        decrypted.allowance = 2 * exchange.replyBytesMax + Limits.framingBytesMax
        context.write(wrapOutboundOut(.head(parts.head)), promise: nil)
        if let body = parts.body { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func cancel(_ exchange: Exchange) {
        guard let underway, underway.exchange === exchange else { return }
        end(with: Failure(.cancelled, "cancelled after the request was sent", wasSent: true))
    }

    private var underway: Underway? {
        switch state {
        case .waiting(let underway), .reading(let underway, _, _): underway
        case .opening, .idle, .broken: nil
        }
    }

    /// Ends whatever is under way, and the connection with it.
    private func end(with failure: Failure) {
        let underway = underway
        if case .opening = state {
            openingFailure = failure
            opened?.fail(failure)
        }
        state = .broken
        breaker.cut()
        underway?.timer.cancel()
        underway?.continuation.resume(returning: .seen(.failure(failure), connection: .spent))
    }

    // MARK: Events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        if tls == nil { becomeUsable() }
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            if pin.holds(for: tls?.peerCertificate) {
                becomeUsable()
            } else {
                end(with: .wrongPin)
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func becomeUsable() {
        guard case .opening = state else { return }
        state = .idle
        opened?.succeed()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), state) {
        case (.head(let head), .waiting(let underway)):
            state = .reading(underway, head, ByteBufferAllocator.wiped.buffer(capacity: 0))
        case (.body(let bytes), .reading(let underway, let head, var body)):
            state = .broken  // so that `body` is the only reference while it grows
            take(bytes, into: &body, of: head, underway)
        case (.end, .reading(let underway, let head, let body)):
            finish(underway, head, body)
        case (_, .opening), (_, .idle), (_, .broken), (.head, .reading), (.body, .waiting), (.end, .waiting):
            end(with: Failure(.garbage, "the answer is not HTTP", wasSent: true))
        }
    }

    private func take(_ bytes: ByteBuffer, into body: inout ByteBuffer, of head: HTTPResponseHead, _ underway: Underway) {
        let exchange = underway.exchange
        bodyBytes += bytes.readableBytes
        var failure: Failure?
        if bodyBytes > exchange.replyBytesMax {
            failure = Failure(.overlong, "the answer is too long", wasSent: true)
        } else if let sink = exchange.sink, head.status == .ok {
            if !sink(bytes.readableBytesSpan) { failure = Failure(.garbage, "the answer can't be read", wasSent: true) }
        } else if body.readableBytes == 0 {
            body = bytes
        } else {
            body.writeImmutableBuffer(bytes)
        }
        state = .reading(underway, head, body)
        if let failure { end(with: failure) }
    }

    private func finish(_ underway: Underway, _ head: HTTPResponseHead, _ body: ByteBuffer) {
        underway.timer.cancel()
        // Bytes beyond the answer would be taken for the next one's, and the decoder reports them as an error later; so would a late write.
        let isReusable = head.isKeepAlive && head.status != .switchingProtocols
        hasServed = true
        state = isReusable ? .idle : .broken
        decrypted.allowance = 0
        if !isReusable { breaker.cut() }
        let response = Response(
            status: Int(head.status.code), retryAfter: head.headers.first(name: "retry-after"), date: head.headers.first(name: "date"),
            contentType: head.headers.first(name: "content-type").map { $0.prefix { $0 != ";" && $0 != " " }.lowercased() },
            body: ReplyBody(body))
        underway.continuation.resume(returning: .seen(.response(response), connection: isReusable ? .reusable : .spent))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch state {
        case .opening: end(with: pin.isNegative ? .wrongPin : Failure(connecting: error))
        case .idle, .waiting, .reading: end(with: Failure(exchanging: error))
        case .broken: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        switch state {
        case .opening where pin.isNegative: end(with: .wrongPin)
        case .opening: end(with: Failure(.tlsFailed, "the connection was closed during the TLS handshake", wasSent: false))
        case .idle: state = .broken
        case .waiting, .reading: end(with: .cutOff)
        case .broken: break
        }
        context.fireChannelInactive()
    }
}
