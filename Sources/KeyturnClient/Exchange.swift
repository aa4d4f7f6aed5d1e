import FoundationEssentials
import NIOCore
import NIOHTTP1

/// An answer as HTTP has it.
struct RawReply: Sendable {
    var status: Int
    var etag: String?
    var location: String?
    var contentType: String?
    var body: Data
}

typealias Inbound = NIOAsyncChannelInboundStream<HTTPClientResponsePart>
typealias HTTPConnection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

/// One request and its whole answer, on one connection.
struct Exchange: Sendable {
    let daemon: Daemon
    let request: Request

    func run() async throws(ClientError) -> RawReply {
        let connection = try await daemon.connect()
        do {
            return try await within(request.patience) {
                try await connection.executeThenClose { inbound, outbound in
                    try await daemon.check(request.peer, of: connection.channel)
                    try await outbound.write(contentsOf: request.parts)
                    return try await read(inbound)
                }
            }
        } catch let error as ClientError {
            throw error
        } catch is HTTPParserError {
            throw .garbage("it is not HTTP")
        } catch {
            throw broken(Failing.sentence(of: error))
        }
    }

    /// The connection ended too early. GET is safe (RFC 9110, section 9.2.1): then nothing can have happened.
    private func broken(_ why: String) -> ClientError {
        switch request.method {
        case .get: .unanswered(path: daemon.socketPath, why: why)
        case .put, .post, .patch, .delete: .lost(path: daemon.socketPath, why: why)
        }
    }

    private func read(_ inbound: Inbound) async throws -> RawReply {
        var reply: RawReply?
        for try await part in inbound {
            switch part {
            case .head(let head): reply = RawReply(head)
            case .body(let buffer):
                guard reply != nil else { continue }
                guard reply!.body.count + buffer.readableBytes <= daemon.limits.replyBytesMax else {
                    throw ClientError.garbage("it has more than \(daemon.limits.replyBytesMax) bytes")
                }
                reply!.body.append(contentsOf: buffer.readableBytesView)
            case .end:
                if let reply { return reply }
            }
        }
        throw broken("it was closed before the answer was complete")
    }

    private func within(_ patience: Request.Patience, _ body: @escaping @Sendable () async throws -> RawReply) async throws -> RawReply {
        switch patience {
        case .endless: return try await body()
        case .limited:
            return try await withThrowingTaskGroup(of: RawReply?.self) { group in
                group.addTask { try await body() }
                group.addTask {
                    try await Task.sleep(for: daemon.limits.replyTime)
                    return nil
                }
                defer { group.cancelAll() }
                guard let first = try await group.next(), let reply = first else {
                    throw broken("no answer within \(daemon.limits.replyTime)")
                }
                return reply
            }
        }
    }
}

extension RawReply {
    init(_ head: HTTPResponseHead) {
        self.init(
            status: Int(head.status.code), etag: head.headers.first(name: "ETag"), location: head.headers.first(name: "Location"),
            contentType: head.headers.first(name: "Content-Type"), body: Data())
    }
}

extension Request {
    var parts: [HTTPClientRequestPart] {
        // RFC 9112: a request always names a host; on a Unix socket any will do.
        var fields = HTTPHeaders([("Host", "keyturn"), ("Connection", "close"), ("Accept", "application/json")])
        for (name, value) in headers { fields.replaceOrAdd(name: name, value: value) }
        if let body {
            fields.add(name: "Content-Type", value: "application/json")
            fields.add(name: "Content-Length", value: String(body.count))
        }
        let head = HTTPRequestHead(version: .http1_1, method: HTTPMethod(rawValue: method.rawValue), uri: target, headers: fields)
        let content: [HTTPClientRequestPart] = body.map { [.body(.byteBuffer(ByteBuffer(bytes: $0)))] } ?? []
        return [.head(head)] + content + [.end(nil)]
    }
}
