package import Model
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
package import Secrets

/// Talks to one host with one trust setting, over kept-alive HTTP/1.1 connections. Follows no redirect and repeats nothing that may have been
/// seen by the other side: it only tells what it saw, and whether the request may have left.
package final class HTTPClient: Sendable {
    private let baseURL: BaseURL
    package let limits: Limits
    private let pool: ConnectionPool

    package init(baseURL: BaseURL, trust: Trust, contexts: TLSContexts, limits: Limits = Limits()) {
        self.baseURL = baseURL
        self.limits = limits
        pool = ConnectionPool(
            connector: Connector(baseURL: baseURL, trust: trust, contexts: contexts, limit: limits.connect), limits: limits)
    }

    /// Makes the event loops that all clients share. Made by the first request instead, with all file descriptors in the hands of callers, they
    /// would bring the process down.
    package static func prepare() { _ = MultiThreadedEventLoopGroup.singleton }

    /// Sends `body`, if any, as `application/json`, straight from its guarded pages.
    package func send(_ request: Request, bearer: borrowing Secret, body: consuming Secret? = nil) async -> Outcome {
        let body = Self.buffer(body)
        guard Self.isHeaderSafe(bearer) else { return .failure(Self.unsendable) }
        return await run(request, body, sink: nil) { head in Self.authorize(&head, bearer) }
    }

    /// Without authorization.
    package func send(_ request: Request, body: consuming Secret? = nil) async -> Outcome {
        let body = Self.buffer(body)
        return await run(request, body, sink: nil) { _ in }
    }

    /// Hands the body of a 200 to `sink` piece by piece instead of collecting it, up to the request's `replyBytesMax`. `sink` runs on an
    /// event loop, must be quick, and may end it all by `false`. Any other answer is collected as usual.
    package func stream(
        _ request: Request, bearer: borrowing Secret, to sink: @escaping @Sendable (RawSpan) -> Bool
    ) async -> Outcome {
        guard Self.isHeaderSafe(bearer) else { return .failure(Self.unsendable) }
        return await run(request, nil, sink: sink) { head in Self.authorize(&head, bearer) }
    }

    /// A connection that was dead before a byte was written is replaced; each such turn uses one up, so the loop ends.
    private func run(
        _ request: Request, _ body: ByteBuffer?, sink: (@Sendable (RawSpan) -> Bool)?, authorize: (inout HTTPRequestHead) -> Void
    ) async -> Outcome {
        let deadline = NIODeadline.now() + TimeAmount(limits.request)
        for _ in 0...limits.connectionsMax {
            let connection: Connection
            do {
                connection = try await pool.borrow(by: deadline)
            } catch {
                return .failure(error)
            }
            let exchange = exchange(request, body, sink, deadline, authorize)
            switch await connection.perform(exchange) {
            case .seen(let outcome, .reusable):
                pool.giveBack(connection)
                return outcome
            case .seen(let outcome, .spent): return outcome
            case .neverWritten: continue
            }
        }
        return .failure(Failure(.connectFailed, "no connection stays open", wasSent: false))
    }

    /// The head with the secret in it is handed on from here, and nothing else refers to it.
    private func exchange(
        _ request: Request, _ body: ByteBuffer?, _ sink: (@Sendable (RawSpan) -> Bool)?, _ deadline: NIODeadline,
        _ authorize: (inout HTTPRequestHead) -> Void
    ) -> Exchange {
        var head = head(of: request, bodyBytes: body?.readableBytes)
        authorize(&head)
        return Exchange(
            head: head, body: body, replyBytesMax: request.replyBytesMax ?? limits.replyBytesMax, sink: sink, deadline: deadline,
            timeLimit: limits.request)
    }

    private func head(of request: Request, bodyBytes: Int?) -> HTTPRequestHead {
        let host = baseURL.host.contains(":") ? "[\(baseURL.host)]" : baseURL.host
        let port = baseURL.port == (baseURL.isTLS ? 443 : 80) ? "" : ":\(baseURL.port)"
        let query = request.query.map { "?\($0)" } ?? ""
        var headers: HTTPHeaders = ["host": host + port, "accept": "application/json", "user-agent": "keyturn"]
        if let bodyBytes {
            headers.add(name: "content-type", value: "application/json")
            headers.add(name: "content-length", value: String(bodyBytes))
        } else if request.method != .get {
            headers.add(name: "content-length", value: "0")
        }
        return HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: request.method.rawValue), uri: baseURL.path + request.path + query,
            headers: headers)
    }

    /// Plaintext leaves guarded memory here: NIOHTTP1 takes header values as `String` only. The string lives until the head is encoded,
    /// which is when the exchange starts; its memory and the encoder's buffer are wiped when they are freed.
    private static func authorize(_ head: inout HTTPRequestHead, _ bearer: borrowing Secret) {
        let prefix: StaticString = "Bearer "
        let count = prefix.utf8CodeUnitCount + bearer.count
        let value = String(unsafeUninitializedCapacity: count) { target in
            let target = UnsafeMutableRawBufferPointer(target)
            prefix.withUTF8Buffer { target.copyMemory(from: UnsafeRawBufferPointer($0)) }
            bearer.withBytes { $0.copy(into: UnsafeMutableRawBufferPointer(rebasing: target[prefix.utf8CodeUnitCount...])) }
            return count
        }
        head.headers.add(name: "authorization", value: value)
    }

    /// Visible ASCII only: anything else could end the header and begin another.
    private static func isHeaderSafe(_ secret: borrowing Secret) -> Bool {
        secret.withBytes { bytes in (0..<bytes.byteCount).allSatisfy { (0x21...0x7E).contains(bytes.byte($0)) } } && secret.count > 0
    }

    private static let unsendable = Failure(.unsendable, "the bearer token has characters that no header can carry", wasSent: false)

    private static func buffer(_ secret: consuming Secret?) -> ByteBuffer? {
        switch consume secret {
        case .some(let secret): ByteBuffer(secret)
        case .none: nil
        }
    }
}
