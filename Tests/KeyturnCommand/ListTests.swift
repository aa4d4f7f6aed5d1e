import FakeDaemon
import Testing

@testable import keyturn

@Suite struct `Lists and watching` {
    @Test func `the history shows who, what and why, up to the limit`() async throws {
        let answer = { @Sendable (request: FakeDaemon.Request) in
            let next = request.target.contains("after") ? "null" : "\"x\""
            return FakeDaemon.Reply.json(200, #"{"items":[\#(rotation("succeeded")),\#(rotation("stuck"))],"next":\#(next)}"#)
        }
        try await FakeDaemon.serving(answer) { fake in
            let ran = await keyturn("history", "a", "--limit", "3", at: fake.socketPath)
            #expect(ran.status == .done)
            let lines = ran.output.split(separator: "\n")
            #expect(lines.count == 4)
            #expect(lines[1] == "2026-11-24T00:00:00Z  01JDG0000000000000000000AA  a       rotate  succeeded  2        uid 0  -       -")
            #expect(fake.requests.map(\.target) == ["/v1/rotations?config=a&limit=3", "/v1/rotations?config=a&after=x&limit=1"])
        }
    }

    @Test func `versions say until when the old one stays`() async throws {
        let versions =
            #""versions":[{"version":2,"state":"current","proof":"proven","created_at":"t1","current_since":"t2","compromised":false},{"version":1,"state":"previous","created_at":"t0","current_since":"t1","erase_after":"t3","compromised":true}]"#
        let reply = config("a").replacing(#""versions":[]"#, with: versions)
        try await FakeDaemon.serving { _ in
            .json(200, reply)
        } _: { fake in
            let ran = await keyturn("versions", "a", at: fake.socketPath)
            #expect(
                ran.output == """
                    VERSION  STATE     PROOF   SINCE  ERASE AFTER  REASON
                    2        current   proven  t2     -            -
                    1        previous  -       t2     t3           compromised

                    """)
        }
    }

    @Test func `watching in JSON gives a line for each event, until the daemon refuses`() async throws {
        let event = #"{"at":"t","config":"a","event":"rotation.requested","version":2}"#
        let answer = { @Sendable (request: FakeDaemon.Request) in
            request.headers["last-event-id"] == nil
                ? FakeDaemon.Reply.stream(["id: 1\ndata: \(event)\n\n", "id: 2\ndata: \(event)\n\n"]) : problem("not-allowed", 403)
        }
        try await FakeDaemon.serving(answer) { fake in
            let ran = await keyturn("watch", "a", "--json", at: fake.socketPath)
            #expect(ran.status == .denied)
            let line = #"{"at":"t","config":"a","event":"rotation.requested","reason":null,"rotation":null,"state":null,"version":2}"#
            #expect(ran.output == "\(line)\n\(line)\n")
        }
    }

    @Test func `what the daemon says is stripped of terminal commands`() async throws {
        try await FakeDaemon.serving { _ in
            problem("not-allowed", 403, detail: #"no\u001b[2J way"#)
        } _: { fake in
            #expect(await keyturn("status", at: fake.socketPath).errors == "keyturn: no[2J way\n  try: keyturn versions a\n")
        }
    }
}
