import Foundation
import Host
import Hummingbird
import SocketAPI
import Testing

@Suite struct `Stopping the server` {
    @Test func `what waits is answered, what is new is turned away, and the socket's file goes`() async throws {
        let isAsked = Latch()
        let mayAnswer = Latch()
        try await ServedSocket.with(
            routes: { router in
                router.get("/wait") { _, _ in
                    isAsked.open()
                    await mayAnswer.wait()
                    return Response.text("answered", contentType: "text/plain")
                }
                router.get("/") { _, _ in Response.done }
            }
        ) { socket in
            async let waiting = socket.get("/wait")
            await isAsked.wait()
            async let stopped: Void = socket.server.stop(within: .seconds(30))
            // Between the call and its first step a request may still be taken.
            var late = ""
            repeat { late = try await socket.get("/") } while late.hasPrefix("HTTP/1.1 204")
            #expect(late.hasPrefix("HTTP/1.1 503 ") && late.contains("urn:keyturn:problem:stopping") && late.contains("Retry-After: 5\r\n"))
            mayAnswer.open()
            let reply = try await waiting
            #expect(reply.hasSuffix("answered"))
            await stopped
            #expect(!FileManager.default.fileExists(atPath: socket.path))
        }
    }

    @Test func `who has just connected is told so too`() async throws {
        let isAsked = Latch()
        let mayAnswer = Latch()
        var limits = ServerLimits()
        limits.firstRequestTime = .seconds(60)
        try await ServedSocket.with(
            limits: limits,
            routes: { router in
                router.get("/wait") { _, _ in
                    isAsked.open()
                    await mayAnswer.wait()
                    return Response.done
                }
            }
        ) { socket in
            let path = socket.path
            let caller = try await offPool { try RawCaller(path) }
            // Accepted after it.
            async let waiting = socket.get("/wait")
            await isAsked.wait()
            async let stopped: Void = socket.server.stop(within: .seconds(60))
            while try await !socket.get("/").hasPrefix("HTTP/1.1 503 ") {}
            mayAnswer.open()
            _ = try await waiting
            let late = try await offPool {
                caller.send("GET / HTTP/1.1\r\nHost: k\r\n\r\n")
                return caller.read()
            }
            #expect(late.hasPrefix("HTTP/1.1 503 ") && late.contains("urn:keyturn:problem:stopping"))
            await stopped
        }
    }

    @Test func `callers who connect in that very moment do it no harm`() async throws {
        for _ in 1...30 {
            try await ServedSocket.with(routes: { $0.get("/") { _, _ in Response.done } }) { socket in
                let path = socket.path
                let isConnecting = Latch()
                async let connecting: Void = offPool {
                    while let caller = try? RawCaller(path) {
                        caller.send("GET / HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\r\n")
                        _ = caller.read()
                        isConnecting.open()
                    }
                }
                await isConnecting.wait()
                await socket.server.stop(within: .seconds(60))
                try await connecting
            }
        }
    }

    @Test func `a connection that is kept for later does not hold it up`() async throws {
        try await ServedSocket.with(routes: { $0.get("/") { _, _ in Response.done } }) { socket in
            let path = socket.path
            let caller = try await offPool {
                let caller = try RawCaller(path)
                caller.send("GET / HTTP/1.1\r\nHost: k\r\n\r\n")
                _ = caller.read { $0.hasSuffix("\r\n\r\n") }
                return caller
            }
            await socket.server.stop(within: .seconds(60))
            let rest = try await offPool { caller.read() }
            #expect(rest == "")
        }
    }

    @Test func `a route that does not end is cut off`() async throws {
        let isAsked = Latch()
        try await ServedSocket.with(
            routes: { router in
                router.get("/wait") { _, _ in
                    isAsked.open()
                    await Latch().wait()
                    return Response.done
                }
            }
        ) { socket in
            async let waiting = socket.get("/wait")
            await isAsked.wait()
            await socket.server.stop(within: .milliseconds(20))
            _ = try await waiting
        }
    }

    @Test func `a successor's socket file is left alone`() async throws {
        try await ServedSocket.with { socket in
            try FileManager.default.removeItem(atPath: socket.path)
            _ = FileManager.default.createFile(atPath: socket.path, contents: nil)
            await socket.server.stop(within: .seconds(5))
            #expect(FileManager.default.fileExists(atPath: socket.path))
        }
    }
}

@Suite struct `Waiting on a caller's behalf` {
    @Test func `ends when the caller goes`() async throws {
        let isAsked = Latch()
        let isCancelled = Latch()
        try await ServedSocket.with(
            routes: { router in
                router.get("/wait") { _, context in
                    try await context.whileCallerListens {
                        isAsked.open()
                        await Latch().wait()
                        isCancelled.open()
                    }
                    return Response.done
                }
            }
        ) { socket in
            let path = socket.path
            var caller: RawCaller? = try await offPool {
                let caller = try RawCaller(path)
                caller.send("GET /wait HTTP/1.1\r\nHost: k\r\n\r\n")
                return caller
            }
            await isAsked.wait()
            caller = nil
            _ = caller
            await isCancelled.wait()
        }
    }
}

@Suite struct `A stream of events` {
    @Test func `is framed as the standard says, beats, and ends with its source`() async throws {
        var limits = ServerLimits()
        limits.heartbeat = .milliseconds(5)
        let (events, source) = AsyncStream<ServerSentEvent>.makeStream()
        try await ServedSocket.with(limits: limits, routes: { $0.get("/e") { _, context in Response.events(events, context) } }) { socket in
            let path = socket.path
            let text = try await offPool {
                let caller = try RawCaller(path)
                caller.send("GET /e HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\r\n")
                let start = caller.read { $0.contains(": still here\n\n") }
                source.yield(ServerSentEvent(id: "7", event: "rotation.requested", data: "{}\nx"))
                source.finish()
                return start + caller.read()
            }
            #expect(text.contains("Content-Type: text/event-stream\r\n"))
            #expect(text.contains("id: 7\nevent: rotation.requested\ndata: {}\ndata: x\n\n"))
        }
    }

    @Test func `ends when the daemon stops`() async throws {
        let (events, source) = AsyncStream<ServerSentEvent>.makeStream()
        try await ServedSocket.with(routes: { $0.get("/e") { _, context in Response.events(events, context) } }) { socket in
            let path = socket.path
            let caller = try await offPool {
                let caller = try RawCaller(path)
                caller.send("GET /e HTTP/1.1\r\nHost: k\r\n\r\n")
                _ = caller.read { $0.contains(": connected\n\n") }
                return caller
            }
            await socket.server.stop(within: .seconds(60))
            let rest = try await offPool { caller.read() }
            #expect(rest.hasSuffix("0\r\n\r\n"))
            source.finish()
        }
    }
}

@Suite struct `Query parameters` {
    @Test func `are read strictly`() async throws {
        try await ServedSocket.with(
            routes: { router in
                router.get("/") { request, _ in
                    let query = try QueryParameters(request, known: ["after", "limit", "due"])
                    let limit = try query.number("limit", in: 1...100, default: 50)
                    return Response.text("\(query["after"] ?? "-") \(limit) \(try query.flag("due"))", contentType: "text/plain")
                }
            }
        ) { socket in
            let usual = try await socket.get("/")
            #expect(usual.hasSuffix("\r\n\r\n- 50 false"))
            let given = try await socket.get("/?after=a%2Fb&limit=7&due=true")
            #expect(given.hasSuffix("\r\n\r\na/b 7 true"))
            for bad in ["?limt=1", "?limit=0", "?limit=1&limit=2", "?after=%zz", "?due=yes"] {
                let refused = try await socket.get("/" + bad)
                #expect(refused.hasPrefix("HTTP/1.1 400 "), "\(bad)")
            }
        }
    }
}
