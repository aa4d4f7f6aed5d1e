import Model
import Access
import Operations
import SocketAPI
import TestSupport
import Testing

@Suite struct `The metrics' socket` {
    private static func with(
        limits: ServerLimits = ServerLimits(), opens: Bool = true, _ body: @Sendable @escaping (ServedSocket) async throws -> Void
    ) async throws {
        let harness = try await ServiceHarness(opens: opens)
        let pages = OpenPages(
            service: harness.service, tally: Tally(clock: harness.clock), requests: RequestTally(), clock: harness.clock, version: "0",
            disk: { nil }, reloadRefused: { nil })
        let routes = Routes(
            service: harness.service, events: harness.events, policy: PolicyInForce(.ownerOnly(daemonUID: 0)), clock: harness.clock,
            version: "0", open: pages)
        try await ServedSocket.with(limits: limits, open: pages.answer, routes: routes.add, body)
    }

    @Test func `serves health and metrics`() async throws {
        try await Self.with { socket in
            #expect(try await socket.openly("GET /healthz").hasPrefix("HTTP/1.1 200 "))
            #expect(try await socket.openly("GET /readyz").hasPrefix("HTTP/1.1 200 "))
            let metrics = try await socket.openly("GET /metrics")
            #expect(metrics.hasPrefix("HTTP/1.1 200 ") && metrics.contains("\nkeyturn_sealed 0\n"))
            let head = try await socket.openly("HEAD /metrics")
            #expect(head.hasPrefix("HTTP/1.1 200 ") && !head.contains("keyturn_sealed"))
        }
    }

    @Test func `is alive, but not ready, while the vault is sealed`() async throws {
        try await Self.with(opens: false) { socket in
            #expect(try await socket.openly("GET /healthz").hasPrefix("HTTP/1.1 200 "))
            let readiness = try await socket.openly("GET /readyz")
            #expect(readiness.hasPrefix("HTTP/1.1 503 ") && readiness.hasSuffix(#"{"status":"sealed"}"#))
            #expect(try await socket.openly("GET /metrics").contains("\nkeyturn_sealed 1\n"))
        }
    }

    @Test(arguments: [
        "GET /", "GET /v1/status", "GET /v1/whoami", "GET /v1/intake-key", "GET /openapi.yaml", "GET /v1/configs", "POST /v1/seal",
        "PUT /v1/configs/a", "GET /metrics/", "GET //healthz", "GET /healthz/../v1/status", "OPTIONS *",
    ]) func `has nothing of the API`(_ request: String) async throws {
        try await Self.with { socket in
            let reply = try await socket.openly(request)
            #expect(reply.hasPrefix("HTTP/1.1 404 ") && reply.contains("urn:keyturn:problem:not-found"), "\(reply)")
        }
    }

    @Test(arguments: ["POST /metrics", "DELETE /healthz", "PUT /readyz"]) func `is for reading alone`(_ request: String) async throws {
        try await Self.with { socket in
            let reply = try await socket.openly(request)
            #expect(reply.hasPrefix("HTTP/1.1 405 "))
        }
    }

    @Test func `has few connections, which count against nobody, and nobody's against it`() async throws {
        var limits = ServerLimits()
        limits.openConnections = 2
        limits.callers.connectionsOfUnlimited = 1
        try await Self.with(limits: limits) { socket in
            let (path, port) = (socket.path, socket.openPort)
            let replies = try await offPool {
                let caller = try RawCaller(path)
                caller.send("GET /readyz HTTP/1.1\r\nHost: k\r\n\r\n")
                let ofCaller = caller.read { $0.hasSuffix("}") }
                let scrapers = try (1...2).map { _ in try RawCaller(port: port) }
                let first = scrapers.map { scraper in
                    scraper.send("GET /readyz HTTP/1.1\r\nHost: k\r\n\r\n")
                    return scraper.read { $0.hasSuffix("}") }
                }
                let third = try RawCaller(port: port)
                return (ofCaller, first, third.read())
            }
            #expect(replies.0.hasPrefix("HTTP/1.1 200 "))
            #expect(replies.1.allSatisfy { $0.hasPrefix("HTTP/1.1 200 ") }, "the one caller's connection does not count here")
            #expect(replies.2.hasPrefix("HTTP/1.1 429 "))
        }
    }

    @Test func `lets go of a connection that does nothing, sooner than the API does`() async throws {
        var limits = ServerLimits()
        limits.openIdleTime = .milliseconds(300)
        try await Self.with(limits: limits) { socket in
            let port = socket.openPort
            // Ends only when the other side closes; the API's connections would be kept for a minute.
            let rest = try await offPool { try RawCaller(port: port).read() }
            #expect(rest == "")
        }
    }
}

extension ServedSocket {
    /// One request to the metrics' socket, and all that comes back.
    fileprivate func openly(_ request: String) async throws -> String {
        let port = openPort
        return try await offPool {
            let caller = try RawCaller(port: port)
            caller.send("\(request) HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\r\n")
            return caller.read()
        }
    }
}
