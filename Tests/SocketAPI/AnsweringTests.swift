import Access
import Foundation
import Glibc
import HTTPTypes
import Host
import Hummingbird
import KeyturnWire
import Model
import SocketAPI
import Testing

@Suite struct `Answering on a Unix socket` {
    @Test func `the caller is who the kernel says`() async throws {
        try await ServedSocket.with(
            unitOf: { _ in "app.service" },
            routes: { router in
                router.get("/who") { _, context in
                    Response.text(
                        "\(context.caller.uid) \(context.caller.identity.pid) \(context.caller.unit ?? "none")", contentType: "text/plain")
                }
            }
        ) { socket in
            let reply = try await socket.get("/who")
            #expect(reply.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(reply.hasSuffix("\r\n\r\n\(getuid()) \(getpid()) app.service"))
        }
    }

    @Test func `PID 1 is asked once for a connection`() async throws {
        let asked = Counter()
        try await ServedSocket.with(
            unitOf: { _ in
                asked.add()
                return nil
            },
            routes: { $0.get("/") { _, _ in Response.done } }
        ) { socket in
            let reply = try await socket.ask(
                "GET / HTTP/1.1\r\nHost: k\r\n\r\nGET / HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\r\n")
            #expect(reply.components(separatedBy: "204 No Content").count == 3)
            #expect(asked.count == 1)
        }
    }

    @Test func `every reply has a date and an id`() async throws {
        try await ServedSocket.with { socket in
            let reply = try await socket.get("/nowhere")
            #expect(reply.contains("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"))
            #expect(reply.contains("X-Request-Id: "))
        }
    }

    @Test func `an unknown path is a problem`() async throws {
        try await ServedSocket.with { socket in
            let reply = try await socket.get("/nowhere")
            #expect(reply.hasPrefix("HTTP/1.1 404 Not Found\r\n"))
            #expect(reply.contains("Content-Type: application/problem+json\r\n"))
            #expect(reply.contains(#""type":"urn:keyturn:problem:not-found""#))
        }
    }

    @Test func `a wrong method is told which are right`() async throws {
        try await ServedSocket.with(
            routes: { router in
                router.get("/v1/configs/{name}") { _, _ in Response.done }
                router.put("/v1/configs/{name}") { _, _ in Response.done }
            }
        ) { socket in
            let reply = try await socket.ask("POST /v1/configs/a HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\r\n")
            #expect(reply.hasPrefix("HTTP/1.1 405 Method Not Allowed\r\n"))
            #expect(reply.contains("Allow: GET, HEAD, PUT\r\n"))
            #expect(reply.contains("urn:keyturn:problem:method-not-allowed"))
        }
    }

    @Test func `HEAD has what GET has, but the body`() async throws {
        try await ServedSocket.with(routes: { $0.get("/") { _, _ in Response.text("four", contentType: "text/plain") } }) { socket in
            let found = try await socket.ask("HEAD / HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\r\n")
            #expect(found.hasPrefix("HTTP/1.1 200 OK\r\n") && found.contains("Content-Length: 4\r\n") && found.hasSuffix("\r\n\r\n"))
            let missing = try await socket.ask("HEAD /nowhere HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\r\n")
            #expect(missing.hasPrefix("HTTP/1.1 404 Not Found\r\n") && missing.hasSuffix("\r\n\r\n"))
        }
    }

    @Test func `a thrown problem becomes its reply`() async throws {
        try await ServedSocket.with(
            routes: { $0.get("/") { _, _ -> Response in throw Problem(.sealed, "It is sealed.", nextStep: "keyturn unseal") } }
        ) { socket in
            let reply = try await socket.get("/")
            #expect(reply.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
            #expect(reply.contains("Retry-After: 30\r\n"))
            #expect(reply.contains(#""next_step":"keyturn unseal""#))
        }
    }

    @Test func `an unforeseen error says nothing of its text`() async throws {
        struct Unforeseen: Error, CustomStringConvertible { let description = "sk-live-secret" }
        try await ServedSocket.with(routes: { $0.get("/") { _, _ -> Response in throw Unforeseen() } }) { socket in
            let reply = try await socket.get("/")
            #expect(reply.hasPrefix("HTTP/1.1 500 Internal Server Error\r\n"))
            #expect(reply.contains("urn:keyturn:problem:store-failed"))
            #expect(!reply.contains("secret") && !reply.contains("Unforeseen"))
        }
    }

    @Test func `a body is read strictly`() async throws {
        try await ServedSocket.with(
            routes: { router in
                router.post("/") { request, context in
                    Response.json(try await request.read(Resolve.self, context), status: .created, headers: [.location: "/x"])
                }
            }
        ) { socket in
            let good = try await socket.ask(post(#"{"how":"retry"}"#))
            #expect(good.hasPrefix("HTTP/1.1 201 Created\r\n") && good.hasSuffix(#"{"how":"retry"}"#) && good.contains("Location: /x\r\n"))
            let unknown = try await socket.ask(post(#"{"how":"retry","when":1}"#))
            #expect(unknown.hasPrefix("HTTP/1.1 400 Bad Request\r\n") && unknown.contains("unknown field 'when'"))
        }
    }

    @Test func `a caller that closed its writing side still gets the reply`() async throws {
        try await ServedSocket.with(routes: { $0.get("/") { _, _ in Response.text("here", contentType: "text/plain") } }) { socket in
            let path = socket.path
            let reply = try await offPool {
                let caller = try RawCaller(path)
                caller.send("GET / HTTP/1.1\r\nHost: k\r\n\r\n")
                caller.closeWriting()
                return caller.read()
            }
            #expect(reply.hasSuffix("here"))
        }
    }

    private func post(_ body: String) -> String {
        "POST / HTTP/1.1\r\nHost: k\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }
}
