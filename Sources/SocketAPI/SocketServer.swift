package import Access
package import Host
package import Hummingbird
import HummingbirdCore
import KeyturnWire
package import Logging
package import Model
package import NIOCore
import NIOExtras
import NIOHTTPTypes
package import NIOPosix
import Synchronization

/// Serves HTTP/1.1: the API on Unix sockets, metrics and health on those that are for them. `start`, then `run` until `stop`.
package final class SocketServer: Sendable {
    private let limits: ServerLimits
    private let unitOf: UnitLookup
    private let logger: Logger
    private let group: any EventLoopGroup
    private let responder: APIResponder
    private let openResponder: OpenResponder
    private let stamp: ReplyStamp
    private let tally: RequestTally
    private let connections = OpenConnections()
    private let openConnections = OpenConnections()
    private let shares: CallerShares
    private let underWay = RequestsUnderWay()
    /// Opens when sockets are closed on purpose.
    private let closing = Latch()
    private let stopping = Latch()
    private let handlings = Handlings()
    /// Opens when `stop` is done.
    private let stopped = Latch()
    private let doors = Mutex<[Door]>([])

    /// A listening socket and what it takes to close it.
    private struct Door: Sendable {
        let socket: ListeningSocket
        let channel: any Channel
        let quiescing: ServerQuiescingHelper
    }

    /// `group`: the daemon's event loops; one thread is enough, and it lives as long as the process. `open`: what is served to whoever comes.
    package init(
        limits: ServerLimits = ServerLimits(), policy: PolicyInForce, logger: Logger, group: any EventLoopGroup = .oneThread,
        now: @escaping @Sendable () -> Timestamp,
        unitOf: @escaping UnitLookup, tally: RequestTally = RequestTally(), onDenial: @escaping Access.Caller.Denial = { _, _, _ in },
        open: @escaping OpenAnswers = { _, _ in nil }, routes: (Router<APIContext>) -> Void
    ) {
        self.limits = limits
        self.unitOf = unitOf
        self.logger = logger
        self.group = group
        stamp = ReplyStamp(now: now)
        self.tally = tally
        shares = CallerShares(limits.callers)
        let answering = Answering(underWay: underWay, stamp: stamp, tally: tally)
        responder = APIResponder(
            routes: Router.keyturn(routes).buildResponder(), answering: answering, stopping: stopping, limits: limits, policy: policy,
            onDenial: onDenial, logger: logger)
        openResponder = OpenResponder(answers: open, answering: answering, logger: logger)
    }

    /// The one that serves requests, or one of them.
    package var loop: any EventLoop { group.any() }

    /// Listens. From here on `run` must follow.
    package func start(on sockets: [ListeningSocket]) async throws {
        for socket in sockets {
            let quiescing = ServerQuiescingHelper(group: group)
            let channel = try await ServerBootstrap(group: group)
                .serverChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(AcceptPause())
                        try channel.pipeline.syncOperations.addHandler(quiescing.makeServerChannelHandler(channel: channel))
                    }
                }
                // A caller may close its writing side and still wait for the reply.
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelInitializer { self.accept($0, at: socket) }
                .withBoundSocket(socket.descriptor)
                .get()
            channel.closeFuture.whenComplete { [closing, logger] _ in
                guard !closing.isOpen else { return }
                logger.error("A socket can no longer be served.", metadata: ["event": "daemon.socket-lost"])
            }
            doors.withLock { $0.append(Door(socket: socket, channel: channel, quiescing: quiescing)) }
        }
    }

    /// Serves until `stop` is done.
    package func run() async {
        await stopped.wait()
        await handlings.end()
    }

    /// Takes no new request: they are told that the daemon stops. What is being answered goes on; streams of events end.
    package func turnAway() async {
        guard !stopping.isOpen else { return }
        closing.open()
        // Callers of an inherited socket wait in its queue for the next daemon; those of ours would find nobody, so they are told.
        let inherited = doors.withLock(\.self).filter { $0.socket.isInherited }
        close(inherited)
        for door in inherited { try? await door.channel.closeFuture.get() }
        // Who was taken out of that queue already is served, so that a restart refuses nobody; not whoever connects and says nothing.
        underWay.drain()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.underWay.drained.wait() }
            group.addTask { try? await Task.sleep(for: self.limits.firstRequestTime) }
            await group.next()
            group.cancelAll()
        }
        underWay.stop()
        stopping.open()
    }

    /// After `turnAway`: returns when the last request was answered.
    package func allAnswered() async {
        await underWay.answered.wait()
    }

    /// Turns new requests away, answers what is waiting, and closes within the given time. Removes the socket files that are ours.
    package func stop(within time: Duration) async {
        await turnAway()
        let doors = doors.withLock(\.self)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await self.underWay.answered.wait()
                self.close(doors.filter { !$0.socket.isInherited })
                await self.allClosed(doors)
            }
            group.addTask { try? await Task.sleep(for: time) }
            await group.next()
            group.cancelAll()
            close(doors)
            connections.closeAll()
            openConnections.closeAll()
        }
        for door in doors { door.socket.removeFile() }
        stopped.open()
    }
}

extension SocketServer {
    /// Runs on the new channel's event loop.
    private func accept(_ channel: any Channel, at socket: ListeningSocket) -> EventLoopFuture<Void> {
        if socket.isInherited {
            underWay.expect(ObjectIdentifier(channel))
            channel.closeFuture.whenComplete { [underWay] _ in underWay.settle(ObjectIdentifier(channel)) }
        }
        do {
            switch socket.purpose {
            case .api: return try acceptCaller(channel)
            case .metrics: return try acceptScraper(channel)
            }
        } catch {
            channel.close(promise: nil)
            return channel.eventLoop.makeFailedFuture(error)
        }
    }

    private func acceptCaller(_ channel: any Channel) throws -> EventLoopFuture<Void> {
        let connection = Connection(peer: try Self.peer(of: channel), channel: channel, unitOf: unitOf, shares: shares)
        let most = limits.callers.connections(of: connection.uid)
        let refusal: Problem? = connections.admit(channel, of: connection.uid, limit: most) ? nil : .tooManyConnections(most)
        let room = BodyRoom(shares: shares, uid: connection.uid)
        return try serve(channel, limits, refusal, room, caller: "\(connection.uid)") { [responder] request, writer, _ in
            try await responder.answer(request, writer, on: connection)
        }
    }

    /// Over TCP nobody can tell who it is: all of them are one caller, who is nobody else.
    private func acceptScraper(_ channel: any Channel) throws -> EventLoopFuture<Void> {
        let refusal: Problem? =
            openConnections.admit(channel, of: 0, limit: limits.openConnections) ? nil : .tooManyScrapers(limits.openConnections)
        var limits = limits
        limits.idleTime = limits.openIdleTime
        return try serve(channel, limits, refusal, nil, caller: "none") { [openResponder] request, writer, _ in
            try await openResponder.answer(request, writer, on: channel)
        }
    }

    private func serve(
        _ channel: any Channel, _ limits: ServerLimits, _ refusal: Problem?, _ room: BodyRoom?, caller: String,
        responder: @escaping HTTPChannelHandler.Responder
    ) throws -> EventLoopFuture<Void> {
        let gate = RequestGate(
            limits: limits, stamp: stamp, room: room, refusal: refusal.map { ProblemReply($0) },
            onRefusal: { [logger, tally] reply in
                tally.count(nil, reply.document.status)
                logger.debug(
                    "Refused a request.",
                    metadata: ["problem": "\(reply.document.code)", "status": "\(reply.document.status)", "caller_uid": "\(caller)"])
            })
        try channel.pipeline.syncOperations.addHandler(ByteWatch(gate))
        let bound = NIOLoopBound(gate, eventLoop: channel.eventLoop)
        let http = HTTP1Channel(
            responder: responder,
            configuration: .init(
                additionalChannelHandlers: [bound.value],
                // The gate keeps the time.
                idleTimeout: nil,
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: limits.headBytesMax, maxHeaderListSize: limits.headBytesMax, maxHeaderFieldCount: 100)))
        return http.setup(channel: channel, logger: logger).map { [handlings, logger] value in
            handlings.begin { await http.handle(value: value, logger: logger) }
        }
    }

    private static func peer(of channel: any Channel) throws -> PeerFacts {
        let facts = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { socket in
            try PeerFacts(ofSocket: socket)
        }
        guard let facts else { throw ChannelError.operationUnsupported }
        return facts
    }

    private func close(_ doors: [Door]) {
        for door in doors { door.quiescing.initiateShutdown(promise: nil) }
    }

    private func allClosed(_ doors: [Door]) async {
        for door in doors {
            let closed = door.channel.eventLoop.makePromise(of: Void.self)
            door.quiescing.initiateShutdown(promise: closed)
            try? await closed.futureResult.get()
        }
    }
}

extension ListeningSocket {
    fileprivate var isInherited: Bool {
        switch origin {
        case .ours: false
        case .inherited: true
        }
    }
}

extension EventLoopGroup where Self == MultiThreadedEventLoopGroup {
    package static var oneThread: MultiThreadedEventLoopGroup { MultiThreadedEventLoopGroup(numberOfThreads: 1) }
}
