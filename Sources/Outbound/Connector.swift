internal import Model
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

/// Opens connections to one host.
struct Connector: Sendable {
    let baseURL: BaseURL
    let trust: Trust
    let contexts: TLSContexts
    let limit: Duration

    /// Returns when TLS stands and the certificate has been judged. Nothing has been sent by then.
    func open(by deadline: NIODeadline) async throws(Failure) -> Connection {
        let context = baseURL.isTLS ? try contexts.context(for: trust) : nil
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let opened = loop.makePromise(of: Void.self)
        let timer = loop.scheduleTask(deadline: min(deadline, .now() + TimeAmount(limit))) {
            opened.fail(Failure(.timedOut, "no connection within \(limit.inWords)", wasSent: false))
        }
        let made = connect(context, opened, on: loop)
        made.whenFailure { opened.fail($0) }
        defer { timer.cancel() }
        do {
            return try await withTaskCancellationHandler {
                try await opened.futureResult.get()
                return try await made.get()
            } onCancel: {
                opened.fail(Failure(.cancelled, "cancelled", wasSent: false))
            }
        } catch {
            made.whenSuccess { $0.cut() }
            throw Failure(connecting: error)
        }
    }

    /// The bootstrap may try several addresses at once; only the one that won is asked to report to `opened`.
    private func connect(
        _ context: NIOSSLContext?, _ opened: EventLoopPromise<Void>, on loop: any EventLoop
    ) -> EventLoopFuture<Connection> {
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(limit) + .seconds(1))  // the timer above ends it, in its words
            .channelOption(.allocator, value: .wiped)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try install(context, in: channel) }
            }
        let channel =
            if let address = try? SocketAddress(ipAddress: baseURL.host, port: baseURL.port) {
                bootstrap.connect(to: address)
            } else {
                bootstrap.connect(host: baseURL.host, port: baseURL.port)
            }
        return channel.flatMapThrowing { channel in
            let driver = try channel.pipeline.syncOperations.handler(type: ConnectionDriver.self)
            driver.whenOpen(opened)
            return Connection(channel: channel, driver: NIOLoopBound(driver, eventLoop: loop))
        }
    }

    private func install(_ context: NIOSSLContext?, in channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        let breaker = Breaker()
        let decrypted = DecryptedBytes()
        let tls = try context.map(makeTLS)
        try pipeline.addHandler(breaker)
        if let tls { try pipeline.addHandler(tls) }
        try pipeline.addHandler(decrypted)
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = 16 * 1024
        limits.maxHeaderListSize = Limits.framingBytesMax
        limits.maxHeaderFieldCount = 128
        try pipeline.addHandlers([
            HTTPRequestEncoder(),
            ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)),
            NIOHTTPRequestHeadersValidator(),
            ConnectionDriver(trust: trust, tls: tls, decrypted: decrypted, breaker: breaker),
        ])
    }

    private func makeTLS(_ context: NIOSSLContext) throws -> NIOSSLClientHandler {
        // An address can't be sent as the name (SNI); the library then compares the peer's address with the certificate's.
        let isAddress = (try? SocketAddress(ipAddress: baseURL.host, port: baseURL.port)) != nil
        let name = isAddress ? nil : baseURL.host
        guard trust.isPinOnly else { return try NIOSSLClientHandler(context: context, serverHostname: name) }
        return try NIOSSLClientHandler(context: context, serverHostname: name) { [trust] certificates, verdict in
            verdict.succeed(trust.pinHolds(for: certificates.first) ? .certificateVerified : .failed)
        }
    }
}
