import FakeDaemon
import KeyturnWire
import Testing

@testable import KeyturnClient

@Suite struct `Reading an event stream` {
    @Test func `fields make an event, a blank line ends it`() throws {
        var parser = EventParser(lastID: nil)
        let events = try parser.feed("id: 1\nevent: step\ndata: a\ndata: b\n\n".utf8)
        #expect(events == [ServerEvent(id: "1", event: "step", data: "a\nb")])
    }

    @Test func `comments and events without data are none`() throws {
        var parser = EventParser(lastID: nil)
        let events = try parser.feed(": ping\n\nevent: x\n\n".utf8)
        #expect(events.isEmpty)
    }

    @Test func `a live event keeps the id of the last durable one`() throws {
        var parser = EventParser(lastID: "9")
        let events = try parser.feed("data: live\n\n".utf8)
        #expect(events == [ServerEvent(id: "9", event: "message", data: "live")])
    }

    @Test func `it does not matter where the pieces are cut`() throws {
        let text = Array("\u{FEFF}id:1\r\ndata:ä\r\n\r\nid: 2\rdata: b\r\rdata: c\n\n".utf8)
        let whole = [
            ServerEvent(id: "1", event: "message", data: "ä"), ServerEvent(id: "2", event: "message", data: "b"),
            ServerEvent(id: "2", event: "message", data: "c"),
        ]
        for cut in 0...text.count {
            var parser = EventParser(lastID: nil)
            let events = try parser.feed(text[..<cut]) + parser.feed(text[cut...])
            #expect(events == whole, "cut at \(cut)")
        }
    }

    @Test func `an event without an end is given up on`() {
        var parser = EventParser(lastID: nil)
        #expect(throws: EventParser.TooLong.self) {
            _ = try parser.feed("data: ".utf8)
            _ = try parser.feed(repeatElement(UInt8(ascii: "x"), count: EventParser.eventBytesMax))
        }
    }
}

@Suite struct `Watching` {
    private static let noPause = ReconnectPause { _ in .zero }

    @Test func `after a break it goes on where it was`() async throws {
        let script = Script([
            .brokenStream(["id: 1\ndata: a\n\n", "id: 2\ndata: b\n\n"]), .breakOff, .stream(["id: 3\ndata: c\n\n"]),
            .brokenStream(["data: live\n\nid: 4\ndata: d\n\n"]),
        ])
        try await FakeDaemon.serving({ _ in script.next() }) { fake in
            var seen: [String] = []
            let daemon = Daemon(socketPath: fake.socketPath)
            for try await item in daemon.watch(config: "a", pause: Self.noPause) {
                if case .event(let event) = item { seen.append(event.data) }
                if seen.count == 5 { break }
            }
            #expect(seen == ["a", "b", "c", "live", "d"])
            #expect(fake.requests.prefix(4).map { $0.headers["last-event-id"] } == [nil, "2", "2", "3"])
            #expect(fake.requests.allSatisfy { $0.target == "/v1/events?config=a" })
        }
    }

    @Test func `a first attempt that fails is told at once`() async {
        await #expect(throws: ClientError.self) {
            for try await _ in Daemon(socketPath: "/nonexistent/s").watch(pause: Self.noPause) {}
        }
    }

    @Test func `a daemon that refuses after a break ends it`() async throws {
        let denial = #"{"type":"urn:keyturn:problem:not-allowed","title":"t","status":403,"detail":"d"}"#
        let script = Script([.stream(["id: 1\ndata: a\n\n"]), .json(403, denial)])
        try await FakeDaemon.serving({ _ in script.next() }) { fake in
            let error = await #expect(throws: ClientError.self) {
                for try await _ in Daemon(socketPath: fake.socketPath).watch(pause: Self.noPause) {}
            }
            guard case .problem(let problem) = error else { return #expect(Bool(false), "\(String(describing: error))") }
            #expect(problem.code == "not-allowed")
        }
    }
}
