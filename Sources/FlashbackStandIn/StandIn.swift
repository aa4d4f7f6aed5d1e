internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

/// A Flashback backend after the published contract, on loopback, with faults to order: for the demo, the tests and the benchmarks.
package final class StandIn: Sendable {
    package let port: Int
    /// The throw-away authority. For a self-signed server certificate, one that did not sign it.
    package let caPEM: String
    /// SHA-256 of the server certificate's SPKI, lower-case hex.
    package let spkiPin: String

    private let isTLS: Bool
    private let group: MultiThreadedEventLoopGroup
    private let context: NIOSSLContext?
    private let desk: Desk
    private let listener: Mutex<(any Channel)?>
    private let open: OpenChannels

    private init(
        port: Int, certificates: ThrowawayCertificates?, group: MultiThreadedEventLoopGroup, desk: Desk, listener: any Channel,
        open: OpenChannels
    ) {
        self.port = port
        caPEM = certificates?.caPEM ?? ""
        spkiPin = certificates?.pin ?? ""
        isTLS = certificates != nil
        context = certificates?.context
        self.group = group
        self.desk = desk
        self.listener = Mutex(listener)
        self.open = open
    }

    package static func start(_ options: Options = Options()) async throws -> StandIn {
        let certificates = options.certificate == .plainHTTP ? nil : try ThrowawayCertificates(options.certificate)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: options.threads)
        let desk = Desk(options)
        let open = OpenChannels()
        let listener = try await listen(options.port, group, certificates?.context, desk, open)
        guard let port = listener.localAddress?.port else { throw ChannelError.unknownLocalAddress }
        return StandIn(port: port, certificates: certificates, group: group, desk: desk, listener: listener, open: open)
    }

    package func stop() async {
        await closeListener()
        desk.release()
        await open.cutAll()
        try? await group.shutdownGracefully()
    }

    package var baseURL: String { baseURL(host: "127.0.0.1") }

    /// `localhost` and `127.0.0.1` are in the valid certificate.
    package func baseURL(host: String) -> String { "\(isTLS ? "https" : "http")://\(host):\(port)" }

    // MARK: What it holds

    package func addConfiguration(
        id: String, name: String, aiType: String = "OPENAI", endpoint: String? = nil, key: String? = nil, secret: String? = nil,
        apiKeyID: String? = nil, workspaceID: String? = nil
    ) {
        let held = Held(
            id: id, name: name, aiType: aiType, endpoint: endpoint, key: key, secret: secret, apiKeyID: apiKeyID, workspaceID: workspaceID)
        desk.with { $0.add(held) }
    }

    package func held(_ id: String) -> Held? { desk.with { $0.configurations[id] } }

    // MARK: Tokens

    /// From now on only these.
    package func setBearers(_ tokens: Set<String>) { desk.with { $0.bearers = tokens } }

    /// One more.
    package func add(bearer token: String) { desk.with { _ = $0.bearers.insert(token) } }

    package func add(refreshToken token: String) { desk.with { _ = $0.refreshTokens.insert(token) } }

    /// No access token is good any more; refresh tokens are.
    package func expireBearers() { desk.with { $0.bearers = [] } }

    package var bearers: Set<String> { desk.with { $0.bearers } }

    package func setRefreshTokens(_ tokens: Set<String>) { desk.with { $0.refreshTokens = tokens } }

    package var refreshTokens: Set<String> { desk.with { $0.refreshTokens } }

    // MARK: Faults

    /// The next `times` matching requests get it; `.max`: all from now on. Orders are served in the order in which they were given.
    package func order(_ fault: Fault, for call: Call, id: String? = nil, times: Int = 1) {
        desk.with { $0.orders.append(Order(fault: fault, call: call, id: id, times: times)) }
    }

    package func clearOrders() { desk.with { $0.orders = [] } }

    /// Lets go of all that hangs, waits at a gate or is half answered.
    package func release() { desk.release() }

    // MARK: What it saw

    /// Every request, in order, from the moment when it was complete.
    package var received: [Received] { desk.with { $0.received } }

    package func received(_ call: Call) -> [Received] { received.filter { $0.call == call } }

    package func count(of call: Call) -> Int { desk.with { $0.count(of: call) } }

    /// How many requests are still to take effect after their connection broke.
    package var stragglers: Int { desk.with { $0.stragglers } }

    /// Connections that were ever opened.
    package var connections: Int { desk.connections }

    /// Returns when `count` requests of a kind have come since the start.
    package func waitFor(_ count: Int, of call: Call) async { await desk.waitFor(count, of: call) }

    // MARK: Being away

    /// Refuses connections, and cuts those that are open.
    package func closeListener() async {
        let channel = listener.withLock { listener in
            defer { listener = nil }
            return listener
        }
        try? await channel?.close()
        await open.cutAll()
    }

    /// Cuts the open connections, as a server does that has had enough of idle ones; returns when they are closed.
    package func cutConnections() async { await open.cutAll() }

    /// Returns when the other sides have closed all connections that are open now.
    package func waitForConnectionsToClose() async { await open.waitUntilClosed() }

    /// Listens again on the same port.
    package func reopen() async throws {
        let channel = try await Self.listen(port, group, context, desk, open)
        listener.withLock { $0 = channel }
    }

    private static func listen(
        _ port: Int, _ group: MultiThreadedEventLoopGroup, _ context: NIOSSLContext?, _ desk: Desk, _ open: OpenChannels
    ) async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    open.add(channel)
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(SocketEnd(), name: ServerConnection.socketEnd)
                    if let context { try pipeline.addHandler(NIOSSLServerHandler(context: context)) }
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(ServerConnection(number: desk.nextConnection(), desk: desk))
                }
            }
            .bind(host: "127.0.0.1", port: port).get()
    }
}
