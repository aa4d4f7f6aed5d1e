import Access
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import Model

/// From a whole request to a written reply: finds the caller, runs the route, turns what it throws into a problem, stamps and logs.
struct APIResponder: Sendable {
    let routes: any HTTPResponder<APIContext>
    let answering: Answering
    let stopping: Latch
    let limits: ServerLimits
    let policy: PolicyInForce
    let onDenial: Access.Caller.Denial
    let logger: Logger

    func answer(_ request: Request, _ writer: consuming ResponseWriter, on connection: Connection) async throws {
        let started = ContinuousClock.now
        let requestID = ReplyStamp.newRequestID()
        guard let seat = await seat(of: connection) else {
            // Without a look at who it is: that takes PID 1's time.
            return try await answering.answer(
                request, writer, requestID, on: connection.channel, by: { ProblemReply(.tooManyRequests).response }, finally: { _ in nil })
        }
        defer { withExtendedLifetime(seat) {} }
        let context = APIContext(
            source: .init(
                logger: logger, caller: Caller(await connection.caller(), under: policy.current, onDenial: onDenial), requestID: requestID,
                stopping: stopping, connection: connection, limits: limits))
        try await answering.answer(
            request, writer, requestID, on: connection.channel,
            by: { await reply(to: request, context) },
            finally: { status in
                log(request, status, context, took: started.duration(to: .now))
                return context.endpointPath
            })
    }

    /// A connection's requests come one after the other: who asks too often is slowed down before anything is refused.
    private func seat(of connection: Connection) async -> CallerShares.Seat? {
        if let seat = connection.shares.takeRequest(of: connection.uid) { return seat }
        try? await Task.sleep(for: limits.callers.restTime)
        return connection.shares.takeRequest(of: connection.uid)
    }

    private func reply(to request: Request, _ context: APIContext) async -> Response {
        do {
            return try await routes.respond(to: request, context: context)
        } catch {
            return Self.problem(error, context)
        }
    }

    /// The text of what was not foreseen stays inside: it could quote anything.
    fileprivate static func problem(_ error: any Error, _ context: APIContext) -> Response {
        if error is CallerWent { return Response(status: .init(code: 499)) }
        if let reply = ProblemReply(to: error) { return reply.response }
        context.logger.error(
            "A request failed inside the daemon.",
            metadata: ["event": "daemon.request-failed", "error": "\(type(of: error))", "request": "\(context.requestID)"])
        return ProblemReply.fault.response
    }

    private func log(_ request: Request, _ status: HTTPResponse.Status, _ context: APIContext, took time: Duration) {
        logger.debug(
            "Answered a request.",
            metadata: [
                "method": "\(request.method.rawValue)", "route": "\(context.endpointPath ?? "none")", "status": "\(status.code)",
                "caller_uid": "\(context.caller.uid)", "ms": "\(time.wholeMilliseconds)", "request": "\(context.requestID)",
            ])
    }
}

/// Comes before the router's own way of answering errors, which is not RFC 9457's.
struct ProblemMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            return APIResponder.problem(error, context)
        }
    }
}

extension Router<APIContext> {
    /// The routes, with a problem for everything else.
    static func keyturn(_ addRoutes: (Router<APIContext>) -> Void) -> Router<APIContext> {
        let router = Router(context: APIContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: ProblemMiddleware())
        addRoutes(router)
        router.refuseOtherMethods()
        return router
    }

    /// 405 with `Allow` where the path is right, as RFC 9110 wants it; the router alone says 404.
    private func refuseOtherMethods() {
        let usual: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]
        for (_, routes) in Dictionary(grouping: routes, by: \.path.description) {
            guard let path = routes.first?.path else { continue }
            var allowed = routes.map(\.method)
            // HEAD comes with GET.
            if allowed.contains(.get), !allowed.contains(.head) { allowed.append(.head) }
            allowed.sort { $0.rawValue < $1.rawValue }
            let refusal = ProblemReply.methodNotAllowed(allowed: allowed)
            for method in usual where !allowed.contains(method) {
                on(path, method: method) { _, _ -> Response in throw refusal }
            }
        }
    }
}
