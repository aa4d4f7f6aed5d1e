import FlashbackStandIn
import Model
import Rotations
import Secrets
import Testing

@Suite struct `Refreshing a bearer` {
    @Test(arguments: [FlashbackStandIn.Options.RefreshField.camelCase, .snakeCase, .either])
    func `new tokens come whichever spelling the backend knows`(_ field: FlashbackStandIn.Options.RefreshField) async throws {
        var options = FlashbackStandIn.Options()
        options.refreshField = field
        try await Bench.with(options) { bench in
            let token = guarded(Bench.refreshToken)
            switch await bench.target.refresh(with: token) {
            case .refreshed(let tokens):
                #expect(bench.standIn.bearers.contains(revealed(tokens.access)))
                let next: String? =
                    switch tokens.refresh {
                    case .some(let refresh): revealed(refresh)
                    case .none: nil
                    }
                #expect(next == "stand-in-refresh-1")
                #expect(tokens.expiresAt != nil)
                #expect(await bench.put(bearer: revealed(tokens.access)) == .accepted)
            case .refused(let reason): Issue.record("\(reason)")
            case .notSent(let reason): Issue.record("\(reason)")
            case .unknown(let reason): Issue.record("\(reason)")
            }
            #expect(bench.standIn.refreshTokens == ["stand-in-refresh-1"], "the old one is dead")
        }
    }

    @Test(arguments: [
        (Fault.status(400), "refused"), (.status(401), "refused"), (.status(403), "refused"), (.status(404), "refused"),
        (.successFalse(message: "no", stores: false), "refused"), (.redirect(to: "/"), "refused"), (.status(408), "unknown"),
        (.status(429), "unknown"),
        (.status(500), "unknown"), (.emptyBody, "unknown"), (.noSuccess, "unknown"), (.html, "unknown"), (.overlong, "unknown"),
        (.resetAfterEffect, "unknown"), (.status(201), "unknown"), (.status(200, body: #"{"success":true,"accessToken":""}"#), "unknown"),
    ])
    func `every other answer is a refusal or unknown`(_ fault: Fault, _ kind: String) async throws {
        try await Bench.with { bench in
            bench.standIn.order(fault, for: .refresh)
            let token = guarded(Bench.refreshToken)
            switch await bench.target.refresh(with: token) {
            case .refreshed: #expect(kind == "refreshed")
            case .refused: #expect(kind == "refused")
            case .unknown: #expect(kind == "unknown")
            case .notSent: #expect(kind == "not-sent")
            }
        }
    }

    @Test func `one that never went out leaves the token what it was`() async throws {
        try await Bench.with { bench in
            await bench.standIn.stop()
            let token = guarded(Bench.refreshToken)
            switch await bench.target.refresh(with: token) {
            case .notSent(let reason): #expect(!reason.what.isEmpty)
            case .refreshed: Issue.record("nobody is there")
            case .refused: Issue.record("nobody is there")
            case .unknown: Issue.record("it was not sent")
            }
        }
    }

    @Test func `a refusal that quotes tokens is scrubbed`() async throws {
        try await Bench.with { bench in
            bench.standIn.order(
                .status(200, body: #"{"success":false,"message":"\#(Bench.refreshToken) gave Zq7-new","refreshToken":"Zq7-new"}"#),
                for: .refresh)
            let token = guarded(Bench.refreshToken)
            switch await bench.target.refresh(with: token) {
            case .refused(let reason): #expect(reason.backendMessage == "*** gave ***")
            case .refreshed: Issue.record("not refused")
            case .notSent: Issue.record("not refused")
            case .unknown: Issue.record("not refused")
            }
        }
    }

    /// 2026-11-24T12:00:00Z.
    private static let now = Timestamp(milliseconds: 1_795_521_600_000)

    @Test(
        arguments: [
            // The payload of the first is {"exp":1795525200}.
            (#""accessToken":"e30.eyJleHAiOjE3OTU1MjUyMDB9.c2ln","expiresAt":1"#, 1_795_525_200_000),
            (#""accessToken":"opaque","expiresAt":1795525200"#, 1_795_525_200_000),
            (#""accessToken":"opaque","expiresAt":1795525200000"#, 1_795_525_200_000),
            (#""accessToken":"opaque","expiresAt":"2026-11-24T13:00:00Z""#, 1_795_525_200_000),
            (#""accessToken":"opaque","expiresAt":3600"#, nil),
            (#""accessToken":"opaque""#, nil), (#""accessToken":"e30.!!!.c2ln""#, nil), (#""accessToken":"e30.e30.c2ln""#, nil),
            (#""token":"opaque""#, nil),
        ] as [(String, Int64?)])
    func `the expiry is the token's own, else what makes sense of expiresAt`(_ fields: String, _ expiry: Int64?) async throws {
        try await Bench.with(now: Self.now) { bench in
            bench.standIn.order(.status(200, body: "{\"success\":true,\(fields)}"), for: .refresh)
            let token = guarded(Bench.refreshToken)
            switch await bench.target.refresh(with: token) {
            case .refreshed(let tokens): #expect(tokens.expiresAt?.milliseconds == expiry)
            case .refused(let reason): Issue.record("\(reason)")
            case .notSent(let reason): Issue.record("\(reason)")
            case .unknown(let reason): Issue.record("\(reason)")
            }
        }
    }

    @Test(
        arguments: [
            ("120", 120), ("0", 0), ("86401", 86_400), ("99999999999999999999", 86_400), ("Tue, 24 Nov 2026 12:00:30 GMT", 30),
            ("Tue, 24 Nov 2026 11:59:00 GMT", 0), ("Thu, 24 Dec 2026 12:00:00 GMT", 86_400), ("soon", nil), ("-1", nil), ("1.5", nil),
            ("", nil),
        ] as [(String, Int?)])
    func `Retry-After is seconds or a date, within a day`(_ header: String, _ seconds: Int?) async throws {
        try await Bench.with(now: Self.now) { bench in
            bench.standIn.order(.status(503, body: "{}", headers: ["retry-after": header]), for: .put)
            guard case .unknown(_, let wait) = await bench.put() else { throw Unexpected() }
            #expect(wait == seconds.map { .seconds($0) })
        }
    }
}
