import FlashbackStandIn
import Rotations
import Testing

@Suite struct `Validating` {
    @Test func `what the provider takes works, by a request without a body`() async throws {
        try await Bench.with { bench in
            #expect(await bench.validate() == .works)
            let request = try #require(bench.standIn.received.first)
            #expect(request.method == "POST" && request.uri == "/ai/llm/\(Bench.defaultID)/validate" && request.fields.isEmpty)
        }
    }

    @Test func `what the provider does not take fails, in the backend's words`() async throws {
        try await Bench.with { bench in
            #expect(await bench.put(key: "bad-key") == .accepted)
            #expect(
                await bench.validate()
                    == .fails(Reason("the backend answered success: false", backendMessage: "The provider does not accept it")))
        }
    }

    @Test(arguments: [
        (Fault.status(404), "notFound"), (.status(405), "unsupported"), (.status(501), "unsupported"), (.status(401), "unauthorized"),
        (.retryAfter(seconds: 3, status: 429), "tooMany"), (.status(403), "inconclusive"), (.status(400), "inconclusive"),
        (.status(500), "inconclusive"), (.status(503), "inconclusive"), (.emptyBody, "inconclusive"), (.noSuccess, "inconclusive"),
        (.html, "inconclusive"), (.overlong, "inconclusive"), (.otherID, "inconclusive"), (.redirect(to: "/"), "inconclusive"),
        (.resetAfterEffect, "inconclusive"), (.status(202), "inconclusive"),
        (.successFalse(message: "no", stores: false), "fails"),
    ])
    func `every answer has its class`(_ fault: Fault, _ kind: String) async throws {
        try await Bench.with { bench in
            bench.standIn.order(fault, for: .validate)
            #expect(await bench.validate().kind == kind)
            #expect(bench.standIn.count(of: .any) == 1)
        }
    }

    @Test func `Retry-After is handed on`() async throws {
        try await Bench.with { bench in
            bench.standIn.order(.retryAfter(seconds: 3, status: 429), for: .validate)
            #expect(
                await bench.validate() == .tooMany(Reason("the backend answered 429", backendMessage: "Slow down"), retryAfter: .seconds(3))
            )
        }
    }

    @Test func `silence is inconclusive`() async throws {
        try await Bench.with(limits: Bench.quick) { bench in
            bench.standIn.order(.hangBeforeEffect, for: .validate)
            #expect(await bench.validate() == .inconclusive(Reason("no answer within 5 s")))
        }
    }
}
