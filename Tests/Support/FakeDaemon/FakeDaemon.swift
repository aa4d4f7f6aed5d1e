import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An HTTP server on a real Unix socket that answers as a test says.
package final class FakeDaemon: Sendable {
    package struct Request: Sendable, Equatable {
        package let method: String
        package let target: String
        package let headers: [String: String]
        package let body: String
    }

    package enum Reply: Sendable {
        case json(Int, String, headers: [String: String] = [:])
        /// An event stream of these pieces that then ends properly.
        case stream([String])
        /// The same, broken off in the middle.
        case brokenStream([String])
        /// The connection is closed without an answer.
        case breakOff
        /// No answer, until the caller goes away.
        case silence
    }

    package let socketPath: String
    private let seen = Mutex<[Request]>([])

    /// What was asked, in order.
    package var requests: [Request] { seen.withLock { $0 } }

    private init(socketPath: String) {
        self.socketPath = socketPath
    }

    /// Serves while `body` runs.
    package static func serving<Result: Sendable>(
        _ answer: @escaping @Sendable (Request) async -> Reply, _ body: @Sendable (FakeDaemon) async throws -> Result
    ) async throws -> Result {
        let folder = try ThrowawayFolder()
        defer { folder.remove() }
        let daemon = FakeDaemon(socketPath: folder.path + "/s")
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(unixDomainSocketPath: daemon.socketPath) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    return try NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>(wrappingChannelSynchronously: channel)
                }
            }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await daemon.accept(listener, answer) }
            defer { group.cancelAll() }
            return try await body(daemon)
        }
    }

    private func accept(
        _ listener: NIOAsyncChannel<NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>, Never>,
        _ answer: @escaping @Sendable (Request) async -> Reply
    ) async throws {
        try await listener.executeThenClose { connections in
            await withTaskGroup(of: Void.self) { group in
                do {
                    for try await connection in connections {
                        group.addTask { try? await self.serve(connection, answer) }
                    }
                } catch {}
                group.cancelAll()
            }
        }
    }

    private func serve(
        _ connection: NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>,
        _ answer: @escaping @Sendable (Request) async -> Reply
    ) async throws {
        try await connection.executeThenClose { inbound, outbound in
            var head: HTTPRequestHead?
            var body = ""
            for try await part in inbound {
                switch part {
                case .head(let received): head = received
                case .body(let buffer): body += String(buffer: buffer)
                case .end:
                    let headers = Dictionary(head!.headers.map { ($0.name.lowercased(), $0.value) }) { first, _ in first }
                    let request = Request(method: head!.method.rawValue, target: head!.uri, headers: headers, body: body)
                    self.seen.withLock { $0.append(request) }
                    let reply = await answer(request)
                    if case .silence = reply { continue }
                    return try await outbound.write(contentsOf: reply.parts)
                }
            }
        }
    }
}

extension FakeDaemon.Reply {
    fileprivate var parts: [HTTPServerResponsePart] {
        switch self {
        case .json(let status, let text, let extra):
            let type = status < 400 ? "application/json" : "application/problem+json"
            var headers = HTTPHeaders([("Content-Type", type), ("Content-Length", "\(text.utf8.count)")])
            for (name, value) in extra { headers.add(name: name, value: value) }
            return [
                .head(.init(version: .http1_1, status: .init(statusCode: status), headers: headers)),
                .body(.byteBuffer(ByteBuffer(string: text))), .end(nil),
            ]
        case .stream(let pieces): return Self.streamHead(pieces) + [.end(nil)]
        case .brokenStream(let pieces): return Self.streamHead(pieces)
        case .breakOff, .silence: return []
        }
    }

    private static func streamHead(_ pieces: [String]) -> [HTTPServerResponsePart] {
        let head = HTTPResponseHead(
            version: .http1_1, status: .ok, headers: ["Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"])
        return [.head(head)] + pieces.map { .body(.byteBuffer(ByteBuffer(string: $0))) }
    }
}
