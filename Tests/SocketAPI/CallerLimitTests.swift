import Foundation
import HTTPTypes
import Hummingbird
import SocketAPI
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2))) struct `What the callers of one user may use up` {
    private static func limits(_ change: (inout CallerLimits) -> Void) -> ServerLimits {
        var limits = ServerLimits()
        // The test's own user as well.
        limits.callers.unlimited = []
        change(&limits.callers)
        return limits
    }

    /// Five requests on one connection, and how they were answered, after how long.
    private static func ask(with limits: ServerLimits) async throws -> (statuses: [String], took: Duration) {
        let answer = Mutex<([String], Duration)?>(nil)
        try await ServedSocket.with(limits: limits, routes: { $0.get("/") { _, _ in Response.done } }) { socket in
            let path = socket.path
            let got = try await offPool {
                let caller = try RawCaller(path)
                let start = ContinuousClock.now
                let request = "GET / HTTP/1.1\r\nHost: k\r\n"
                caller.send(String(repeating: request + "\r\n", count: 4) + request + "Connection: close\r\n\r\n")
                let replies = caller.read()
                return (replies.matches(of: #/HTTP/1\.1 (\d+) /#).map { String($0.1) }, ContinuousClock.now - start)
            }
            answer.withLock { $0 = got }
        }
        let answered = answer.withLock { $0 }
        return try #require(answered)
    }

    @Test func `who asks too often is slowed down`() async throws {
        let limits = Self.limits { callers in
            callers.requestBurst = 3
            callers.requestsPerSecond = 5
            callers.restTime = .milliseconds(500)
        }
        let (statuses, took) = try await Self.ask(with: limits)
        #expect(statuses == Array(repeating: "204", count: 5))
        #expect(took >= .milliseconds(500))
    }

    @Test func `who goes on is told so, and seldom`() async throws {
        let limits = Self.limits { callers in
            callers.requestBurst = 3
            callers.requestsPerSecond = 0
            callers.restTime = .milliseconds(100)
        }
        let (statuses, took) = try await Self.ask(with: limits)
        #expect(statuses == ["204", "204", "204", "429", "429"])
        #expect(took >= .milliseconds(200))
    }

    @Test func `no more requests at once than so many, and none of them is forgotten`() async throws {
        let (mayAnswer, isAsked) = (Latch(), Latch())
        let inside = Mutex(0)
        try await ServedSocket.with(
            limits: Self.limits { $0.requestsAtOnce = 2 },
            routes: { router in
                router.get("/wait") { _, _ in
                    if inside.withLock({ inside in
                        inside += 1
                        return inside == 2
                    }) {
                        isAsked.open()
                    }
                    await mayAnswer.wait()
                    return Response.done
                }
            }
        ) { socket in
            async let one = socket.get("/wait")
            async let two = socket.get("/wait")
            await isAsked.wait()
            let third = try await socket.get("/wait")
            #expect(third.hasPrefix("HTTP/1.1 429 ") && third.contains("Retry-After: 1\r\n"))
            mayAnswer.open()
            for reply in try await [one, two] { #expect(reply.hasPrefix("HTTP/1.1 204 ")) }
            #expect(try await socket.get("/wait").hasPrefix("HTTP/1.1 204 "))
        }
    }

    @Test func `no more in bodies at once than so much, and it is given back`() async throws {
        try await ServedSocket.with(
            limits: Self.limits { $0.bodyBytesAtOnce = 10_000 },
            routes: { $0.post("/") { _, _ in Response.done } }
        ) { socket in
            let path = socket.path
            @Sendable func post(_ count: Int) -> String {
                "POST / HTTP/1.1\r\nHost: k\r\nConnection: close\r\nContent-Length: \(count)\r\n\r\n"
            }
            let body = String(repeating: "y", count: 4_000)
            for _ in 1...3 {
                var (refused, last) = ("", "")
                // Who comes while the other's bytes are on their way may be the one that there is no room for.
                while !refused.hasPrefix("HTTP/1.1 429 ") || !last.hasPrefix("HTTP/1.1 204 ") {
                    let slow = try await offPool {
                        let slow = try RawCaller(path)
                        slow.send(post(8_000) + String(repeating: "x", count: 7_000))
                        return slow
                    }
                    refused = try await socket.ask(post(4_000) + body)
                    last = try await offPool {
                        slow.send(String(repeating: "x", count: 1_000))
                        return slow.read()
                    }
                }
                #expect(refused.contains("too much in their bodies"), "\(refused)")
                #expect(try await socket.ask(post(4_000) + body).hasPrefix("HTTP/1.1 204 "))
            }
            // One that goes gives it back as well.
            _ = try await offPool { try RawCaller(path).send(post(9_000) + String(repeating: "x", count: 8_900)) }
            var reply = ""
            repeat {
                reply = try await socket.ask(post(4_000) + String(repeating: "y", count: 4_000))
            } while !reply.hasPrefix("HTTP/1.1 204 ")
        }
    }

    @Test func `root and the daemon's own user are bound by none of it`() async throws {
        var limits = ServerLimits()
        limits.callers.requestBurst = 1
        limits.callers.requestsPerSecond = 0
        try await ServedSocket.with(limits: limits, routes: { $0.get("/") { _, _ in Response.done } }) { socket in
            for _ in 1...5 {
                let reply = try await socket.get("/")
                #expect(reply.hasPrefix("HTTP/1.1 204 "))
            }
        }
    }
}
