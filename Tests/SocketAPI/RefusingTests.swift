import HTTPTypes
import Hummingbird
import SocketAPI
import Testing

@Suite struct `Refusing a request before any route` {
    @Test func `a body that announces too much is not waited for`() async throws {
        try await withSink { socket in
            let reply = try await socket.ask("POST / HTTP/1.1\r\nHost: k\r\nContent-Length: 65537\r\n\r\n")
            #expect(reply.hasPrefix("HTTP/1.1 413 Content Too Large\r\n") || reply.hasPrefix("HTTP/1.1 413 "))
            #expect(reply.contains("urn:keyturn:problem:too-large"))
        }
    }

    @Test func `an endless body is cut off, and the caller reads why`() async throws {
        try await withSink { socket in
            let chunk = "4000\r\n" + String(repeating: "x", count: 0x4000) + "\r\n"
            let reply = try await socket.ask(
                "POST / HTTP/1.1\r\nHost: k\r\nTransfer-Encoding: chunked\r\n\r\n" + String(repeating: chunk, count: 64))
            #expect(reply.contains("urn:keyturn:problem:too-large"))
        }
    }

    @Test func `64 KiB are let through`() async throws {
        try await withSink { socket in
            let body = String(repeating: "x", count: 65_536)
            let reply = try await socket.ask("POST / HTTP/1.1\r\nHost: k\r\nConnection: close\r\nContent-Length: 65536\r\n\r\n\(body)")
            #expect(reply.hasPrefix("HTTP/1.1 204 "))
        }
    }

    @Test(arguments: ["nonsense\r\n\r\n", "GET / HTTP/1.1\r\nBroken Header\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"])
    func `what is not HTTP is a problem`(_ text: String) async throws {
        try await withSink { socket in
            let reply = try await socket.ask(text)
            #expect(reply.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
            #expect(reply.contains("urn:keyturn:problem:bad-request") && reply.contains("X-Request-Id: "))
        }
    }

    @Test func `a head that is too long is a problem`() async throws {
        try await withSink { socket in
            let reply = try await socket.ask("GET / HTTP/1.1\r\nHost: k\r\nX: \(String(repeating: "x", count: 20_000))\r\n\r\n")
            #expect(reply.contains("urn:keyturn:problem:too-large"))
        }
    }

    @Test func `a refusal waits for the reply before it`() async throws {
        try await withSink { socket in
            let reply = try await socket.ask("POST / HTTP/1.1\r\nHost: k\r\n\r\nnonsense\r\n\r\n")
            #expect(reply.hasPrefix("HTTP/1.1 204 "))
            #expect(reply.contains("HTTP/1.1 400 Bad Request"))
        }
    }

    @Test(arguments: ["GET / HT", "POST / HTTP/1.1\r\nHost: k\r\nContent-Length: 5\r\n\r\nab"])
    func `half a request is not waited for`(_ text: String) async throws {
        var limits = ServerLimits()
        limits.requestTime = .milliseconds(50)
        try await withSink(limits) { socket in
            let reply = try await socket.ask(text)
            #expect(reply.hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
        }
    }

    @Test func `an idle connection is closed`() async throws {
        var limits = ServerLimits()
        limits.idleTime = .milliseconds(500)
        try await withSink(limits) { socket in
            let reply = try await socket.ask("POST / HTTP/1.1\r\nHost: k\r\n\r\n")
            #expect(reply.hasPrefix("HTTP/1.1 204 "))
        }
    }

    @Test func `a caller who asks first is told to go on`() async throws {
        try await withSink { socket in
            let path = socket.path
            let replies = try await offPool {
                let caller = try RawCaller(path)
                caller.send("POST / HTTP/1.1\r\nHost: k\r\nConnection: close\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
                let first = caller.read { $0.hasSuffix("\r\n\r\n") }
                caller.send("ab")
                return (first, caller.read())
            }
            #expect(replies.0 == "HTTP/1.1 100 Continue\r\n\r\n")
            #expect(replies.1.hasPrefix("HTTP/1.1 204 "))
        }
    }

    @Test func `one user can't take all connections`() async throws {
        var limits = ServerLimits()
        limits.callers.connectionsOfUnlimited = 1
        try await withSink(limits) { socket in
            let path = socket.path
            let reply = try await offPool {
                let first = try RawCaller(path)
                first.send("POST / HTTP/1.1\r\nHost: k\r\n\r\n")
                let answer = first.read { $0.hasSuffix("\r\n\r\n") }
                return (answer, try RawCaller.ask(path, ""))
            }
            #expect(reply.0.hasPrefix("HTTP/1.1 204 "))
            #expect(reply.1.hasPrefix("HTTP/1.1 429 ") && reply.1.contains("Retry-After: 1\r\n"))
        }
    }

    private func withSink(_ limits: ServerLimits = ServerLimits(), _ body: @Sendable @escaping (ServedSocket) async throws -> Void)
        async throws
    {
        try await ServedSocket.with(limits: limits, routes: { $0.post("/") { _, _ in Response.done } }, body)
    }
}
