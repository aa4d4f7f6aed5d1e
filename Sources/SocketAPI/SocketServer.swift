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

/// Serves HTTP/1.1 on Unix sockets. `start`, then `run` until `stop`.
package final class SocketServer: Sendable {
    private let limits: ServerLimits
    private let unitOf: UnitLookup
    private let logger: Logger
    private let group: any EventLoopGroup
    private let responder: APIResponder
    private let stamp: ReplyStamp
    private let connections: OpenConnections
    private let underWay = RequestsUnderWay()
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

    /// `group`: the daemon's event loops; one thread is enough, and it lives as long as the process.
    package init(
        limits: ServerLimits = ServerLimits(), policy: PolicyInForce, logger: Logger, group: any EventLoopGroup = .oneThread,
        now: @escaping @Sendable () -> Timestamp,
        unitOf: @escaping UnitLookup, routes: (Router<APIContext>) -> Void
    ) {
        self.limits = limits
        self.unitOf = unitOf
        self.logger = logger
        self.group = group
        stamp = ReplyStamp(now: now)
        connections = OpenConnections(perCallerMax: limits.connectionsPerCaller)
        responder = APIResponder(
            routes: Router.keyturn(routes).buildResponder(), underWay: underWay, stopping: stopping, limits: limits, policy: policy,
            stamp: stamp,
            logger: logger)
    }

    /// The one that serves requests, or one of them.
    var loop: any EventLoop { group.any() }

    /// Listens. From here on `run` must follow.
    package func start(on sockets: [ListeningSocket]) async throws {
        for socket in sockets {
            let quiescing = ServerQuiescingHelper(group: group)
            let channel = try await ServerBootstrap(group: group)
                .serverChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(quiescing.makeServerChannelHandler(channel: channel))
                    }
                }
                // A caller may close its writing side and still wait for the reply.
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelInitializer { self.accept($0) }
                .withBoundSocket(socket.descriptor)
                .get()
            channel.closeFuture.whenComplete { [stopping, logger] _ in
                guard !stopping.isOpen else { return }
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
    package func turnAway() {
        underWay.stop()
        stopping.open()
        // Callers of an inherited socket wait in its queue for the next daemon; those of ours would find nobody, so they are told.
        close(doors.withLock(\.self).filter { $0.socket.isInherited })
    }

    /// After `turnAway`: returns when the last request was answered.
    package func allAnswered() async {
        await underWay.answered.wait()
    }

    /// Turns new requests away, answers what is waiting, and closes within the given time. Removes the socket files that are ours.
    package func stop(within time: Duration) async {
        turnAway()
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
        }
        for door in doors { door.socket.removeFile() }
        stopped.open()
    }
}

extension SocketServer {
    /// Runs on the new channel's event loop.
    private func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
        do {
            let connection = Connection(peer: try Self.peer(of: channel), channel: channel, unitOf: unitOf)
            let isAdmitted = connections.admit(connection)
            let gate = RequestGate(
                limits: limits, stamp: stamp,
                refusal: isAdmitted ? nil : ProblemReply(.tooManyConnections(limits.connectionsPerCaller)),
                onRefusal: { [logger] reply in
                    logger.debug(
                        "Refused a request.",
                        metadata: [
                            "problem": "\(reply.document.code)", "status": "\(reply.document.status)", "caller_uid": "\(connection.uid)",
                        ])
                })
            try channel.pipeline.syncOperations.addHandler(ByteWatch(gate))
            let http = httpChannel(gate: NIOLoopBound(gate, eventLoop: channel.eventLoop), connection)
            return http.setup(channel: channel, logger: logger).map { [handlings, logger] value in
                handlings.begin { await http.handle(value: value, logger: logger) }
            }
        } catch {
            channel.close(promise: nil)
            return channel.eventLoop.makeFailedFuture(error)
        }
    }

    private func httpChannel(gate: NIOLoopBound<RequestGate>, _ connection: Connection) -> HTTP1Channel {
        HTTP1Channel(
            responder: { [responder] request, writer, _ in try await responder.answer(request, writer, on: connection) },
            configuration: .init(
                additionalChannelHandlers: [gate.value],
                // The gate keeps the time.
                idleTimeout: nil,
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: limits.headBytesMax, maxHeaderListSize: limits.headBytesMax, maxHeaderFieldCount: 100)))
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
