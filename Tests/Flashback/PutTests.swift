import FlashbackStandIn
import Model
import Rotations
import Testing

@Suite struct `Putting a credential` {
    @Test func `success true is accepted, and the backend holds the key`() async throws {
        try await Bench.with { bench in
            #expect(await bench.put() == .accepted)
            #expect(bench.standIn.held(Bench.defaultID)?.key == Bench.key)
            let request = try #require(bench.standIn.received.first)
            #expect(request.method == "PUT" && request.uri == "/ai/llm/\(Bench.defaultID)" && request.bearerWasAccepted)
            #expect(request.fields == ["key": Bench.key])
        }
    }

    @Test(
        arguments: [
            ("k", nil, CredentialField.key, ["key": "k"]), ("k", nil, .secret, ["secret": "k"]), (nil, "s", .key, ["secret": "s"]),
            ("k", "s", .key, ["key": "k", "secret": "s"]), ("k", "s", .secret, ["key": "k", "secret": "s"]),
            ("", "s", .key, ["secret": "s"]),
        ] as [(String?, String?, CredentialField, [String: String])])
    func `each part of a credential goes where it belongs`(
        _ key: String?, _ secret: String?, _ field: CredentialField, _ sent: [String: String]
    ) async throws {
        try await Bench.with { bench in
            #expect(await bench.put(key: key, secret: secret, field: field) == .accepted)
            #expect(bench.standIn.received.first?.fields == sent)
        }
    }

    @Test func `awkward characters arrive as they are`() async throws {
        let key = "a\"b\\c/\u{1}\n\té😀" + String(repeating: "z", count: 60_000)
        try await Bench.with { bench in
            #expect(await bench.put(key: key) == .accepted)
            #expect(bench.standIn.held(Bench.defaultID)?.key == key)
        }
    }

    @Test func `the standing credential and the fields alone can be put, too`() async throws {
        try await Bench.with { bench in
            let fields = RemoteFields(name: "new \"name\"", endpoint: "https://api.example.com", aiType: .anthropic)
            #expect(await bench.put(.standing, fields: RemoteFields(name: "")) == .accepted)
            #expect(await bench.put(nil, fields: fields) == .accepted)
            #expect(
                bench.standIn.received.map(\.fields) == [
                    ["key": Bench.standingKey], ["name": "new \"name\"", "endpoint": "https://api.example.com", "aiType": "ANTHROPIC"],
                ])
            #expect(await bench.put(nil) == .refused(Reason("there is nothing to put")))
        }
    }

    @Test(
        arguments: [
            (Fault.successFalse(message: "No", stores: true), "denied", "the backend answered success: false"),
            (.emptyBody, "noVerdict", nil), (.noSuccess, "noVerdict", nil),
            (.status(200, body: "[]"), "noVerdict", nil), (.status(200, body: "  "), "noVerdict", nil),
            (.status(200, body: #"{"success":null}"#), "noVerdict", nil),
            (.status(200, body: #"{"success":"true"}"#), "unknown", "the backend answered 200 with something that is not its JSON"),
            (
                .status(200, body: #"{"success":true,"success":true}"#), "unknown",
                "the backend answered 200 with something that is not its JSON"
            ),
            (.status(200, body: #"{"success":true"#), "unknown", "the backend answered 200 with something that is not its JSON"),
            (.html, "unknown", "the backend answered 200 with a web page"),
            (.overlong, "unknown", "the answer is too long"),
            (.endlessBody, "unknown", "the answer is too long"),
            (.otherID, "unknown", "the backend answered for another configuration"),
            (.resetBeforeEffect, "unknown", "the connection was reset after the request was sent"),
            (.resetAfterEffect, "unknown", "the connection was reset after the request was sent"),
            (.status(400), "rejected", "the backend answered 400"), (.status(401), "unauthorized", "the backend answered 401"),
            (.status(403), "refused", "the backend answered 403"), (.status(404), "refused", "the backend answered 404"),
            (.status(409), "refused", "the backend answered 409"), (.status(422), "refused", "the backend answered 422"),
            (.redirect(to: "https://127.0.0.1:1/"), "refused", "the backend answered 307, and redirects are never followed"),
            (.status(304), "refused", "the backend answered 304, and redirects are never followed"),
            (.status(201), "unknown", "the backend answered 201"), (.status(204), "unknown", "the backend answered 204"),
            (.status(408), "unknown", "the backend answered 408"), (.status(425), "unknown", "the backend answered 425"),
            (.status(429), "unknown", "the backend answered 429"), (.status(500), "unknown", "the backend answered 500"),
            (.statusAfterEffect(503), "unknown", "the backend answered 503"), (.status(599), "unknown", "the backend answered 599"),
        ] as [(Fault, String, String?)])
    func `every answer has its class`(_ fault: Fault, _ kind: String, _ what: String?) async throws {
        try await Bench.with { bench in
            bench.standIn.order(fault, for: .put)
            let answer = await bench.put()
            #expect(answer.kind == kind)
            #expect(answer.reason?.what == what)
            #expect(bench.standIn.count(of: .any) == 1, "one call is one request")
            #expect(await bench.put() == .accepted, "and the next call works again")
        }
    }

    @Test(arguments: [Fault.hangBeforeEffect, .hangAfterEffect, .slowBody, .gate, .delay(.seconds(30))])
    func `no whole answer in time is unknown`(_ fault: Fault) async throws {
        try await Bench.with(limits: Bench.quick) { bench in
            bench.standIn.order(fault, for: .put)
            #expect(await bench.put() == .unknown(Reason("no answer within 5 s"), retryAfter: nil))
        }
    }

    @Test func `an id in other letters is still ours`() async throws {
        try await Bench.with { bench in
            bench.standIn.order(.status(200, body: #"{"success":true,"aiLlmId":"\#(Bench.defaultID.uppercased())"}"#), for: .put)
            #expect(await bench.put() == .accepted)
        }
    }

    @Test func `Retry-After is handed on`() async throws {
        try await Bench.with { bench in
            bench.standIn.order(.retryAfter(seconds: 7, status: 429), for: .put)
            guard case .unknown(_, let wait) = await bench.put() else { throw Unexpected() }
            #expect(wait == .seconds(7))
        }
    }

    @Test func `a refused bearer is unauthorized, and so is one that no header can carry`() async throws {
        try await Bench.with { bench in
            #expect(await bench.put(bearer: "other") == .unauthorized(Reason("the backend answered 401", backendMessage: "Unauthorized")))
            let answer = await bench.put(bearer: "x\r\nx-evil: 1")
            #expect(answer == .unauthorized(Reason("the bearer token has characters that no header can carry")))
            #expect(bench.standIn.received.count == 1)
        }
    }

    @Test func `a message that quotes the key comes back without it`() async throws {
        try await Bench.with { bench in
            bench.standIn.order(.echoKey, for: .put)
            let message = try #require(await bench.put().reason?.backendMessage)
            #expect(message == "Not taken: *** (base64 ***)")
        }
    }

    @Test func `a message that quotes the bearer or the standing key comes back without them`() async throws {
        try await Bench.with { bench in
            bench.standIn.order(
                .successFalse(message: "was \(Bench.standingKey), asked by \(Bench.bearer)\u{1B}[31m!", stores: false), for: .put)
            #expect(await bench.put() == .denied(Reason("the backend answered success: false", backendMessage: "was ***, asked by ***!")))
        }
    }
}

struct Unexpected: Error {}
