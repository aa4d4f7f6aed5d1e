import Model
import Outbound
import Secrets
import Testing

@Suite struct `Answers that are not what they should be` {
    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", RawServer.Ending.staysOpen, "hi"),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", .staysOpen, "hi"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n", .staysOpen, "hi"),
        ("HTTP/1.1 200 OK\r\n\r\nhi", .closes, "hi"), ("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi", .closes, "hi"),
    ])
    func `a whole one is read, however it is framed`(_ answer: String, _ ending: RawServer.Ending, _ body: String) async throws {
        try await RawServer.with(answer, ending) { server in
            guard case .response(let response) = try await Self.ask(server) else { throw Unexpected() }
            #expect(response.status == 200)
            #expect(response.body.withBytes { span in String(decoding: (0..<span.byteCount).map { span.byte($0) }, as: UTF8.self) } == body)
        }
    }

    @Test(arguments: [
        ("hello\r\n\r\n", RawServer.Ending.staysOpen, Failure.Kind.garbage), ("HTTP/2.0 200 OK\r\n\r\n", .staysOpen, .garbage),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nhi", .staysOpen, .garbage),
        ("HTTP/1.1 200 OK\r\nx: \(String(repeating: "y", count: 20_000))\r\n\r\n", .staysOpen, .garbage),
        ("HTTP/1.1 200 OK\r\n\(String(repeating: "x: y\r\n", count: 200))\r\n", .staysOpen, .garbage),
        ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nhi", .closes, .reset), ("", .closes, .reset), ("HTTP/1.1 20", .closes, .reset),
        ("HTTP/1.1 200 OK\r\ncontent-length: 70000\r\n\r\n\(String(repeating: "x", count: 70_000))", .staysOpen, .overlong),
        (String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 20_000), .staysOpen, .overlong),
    ])
    func `a broken one says so, and that the request was sent`(_ answer: String, _ ending: RawServer.Ending, _ kind: Failure.Kind)
        async throws
    {
        try await RawServer.with(answer, ending) { server in
            guard case .failure(let failure) = try await Self.ask(server) else { throw Unexpected() }
            #expect(failure.kind == kind)
            #expect(failure.wasSent)
        }
    }

    @Test func `bytes after an answer do not become the next one's`() async throws {
        let twice = String(repeating: "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", count: 2)
        try await RawServer.with(twice, .staysOpen) { server in
            let client = try Self.client(server)
            for _ in 0..<2 {
                let outcome = await client.send(Request(.get, "/"))
                // The second answer may be there with the first; the connection is not used again then.
                guard case .response(let response) = outcome else { throw Unexpected() }
                #expect(response.status == 200)
            }
        }
    }

    @Test func `a server that never greets is given up in time`() async throws {
        try await RawServer.with("", .staysOpen) { server in
            let client = HTTPClient(
                baseURL: try BaseURL("https://127.0.0.1:\(server.port)", plainHTTP: .refused), trust: .system, contexts: TLSContexts(),
                limits: Limits(connect: .seconds(3)))
            guard case .failure(let failure) = await client.send(Request(.get, "/")) else { throw Unexpected() }
            #expect(failure == Failure(.timedOut, "no connection within 3 s", wasSent: false))
        }
    }

    private static func client(_ server: RawServer) throws -> HTTPClient {
        HTTPClient(
            baseURL: try BaseURL("http://127.0.0.1:\(server.port)/base", plainHTTP: .allowed), trust: .system, contexts: TLSContexts(),
            // What they look at is not the time.
            limits: Limits(connect: .seconds(60), request: .seconds(120)))
    }

    private static func ask(_ server: RawServer) async throws -> Outcome {
        await (try client(server)).send(Request(.get, "/"))
    }
}

struct Unexpected: Error {}
