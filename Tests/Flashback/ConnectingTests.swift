import FlashbackStandIn
import Model
import Rotations
import Testing

@Suite struct `Trusting a backend` {
    @Test(arguments: [
        (FlashbackStandIn.Options.CertificateKind.valid, Bench.TrustSetting.ca, "127.0.0.1"), (.valid, .ca, "localhost"),
        (.valid, .pin, "127.0.0.1"),
        (.valid, .caAndPin, "127.0.0.1"), (.valid, .caAndPin, "localhost"), (.selfSigned, .pin, "127.0.0.1"),
        (.wrongName, .pin, "localhost"), (.expired, .pin, "127.0.0.1"),
        (.plainHTTP, .system, "127.0.0.1"),
    ])
    func `what is to be trusted is`(_ kind: FlashbackStandIn.Options.CertificateKind, _ trust: Bench.TrustSetting, _ host: String)
        async throws
    {
        var options = FlashbackStandIn.Options()
        options.certificate = kind
        try await Bench.with(options, trust: trust, host: host) { bench in
            #expect(await bench.put() == .accepted)
        }
    }

    @Test(arguments: [
        (FlashbackStandIn.Options.CertificateKind.valid, Bench.TrustSetting.system, "127.0.0.1", "the certificate is not trusted"),
        (.valid, .badCA, "127.0.0.1", "the certificates to trust can't be read"),
        (.valid, .wrongPin, "127.0.0.1", "the certificate does not match the pin"),
        (.valid, .caAndWrongPin, "127.0.0.1", "the certificate does not match the pin"),
        (.expired, .ca, "127.0.0.1", "the certificate is not trusted"),
        (.expired, .caAndPin, "localhost", "the certificate is not trusted"),
        (.selfSigned, .ca, "127.0.0.1", "the certificate is not trusted"),
        (.selfSigned, .caAndPin, "127.0.0.1", "the certificate is not trusted"),
        (.wrongName, .ca, "127.0.0.1", "the certificate is for another name"),
        (.wrongName, .ca, "localhost", "the certificate is for another name"),
        (.wrongName, .caAndPin, "localhost", "the certificate is for another name"),
    ])
    func `what is not to be trusted gets no request`(
        _ kind: FlashbackStandIn.Options.CertificateKind, _ trust: Bench.TrustSetting, _ host: String, _ what: String
    ) async throws {
        var options = FlashbackStandIn.Options()
        options.certificate = kind
        try await Bench.with(options, trust: trust, host: host) { bench in
            let answers = (put: await bench.put(), validate: await bench.validate(), lookUp: await bench.lookUp())
            #expect(answers.put == .notSent(Reason(what)))
            #expect(answers.validate == .inconclusive(Reason(what)))
            #expect(answers.lookUp == .unavailable(Reason(what)))
            #expect(bench.standIn.received.isEmpty)
        }
    }
}

@Suite struct `Reaching a backend` {
    @Test func `one that is away refuses, and works again when it is back`() async throws {
        try await Bench.with { bench in
            #expect(await bench.put() == .accepted)
            await bench.standIn.closeListener()
            // The first may still find the connection of before, and learn on it that the backend is gone.
            #expect(await bench.put().reason != nil)
            #expect(await bench.put() == .notSent(Reason("connection refused")))
            #expect(await bench.validate() == .inconclusive(Reason("connection refused")))
            try await bench.standIn.reopen()
            #expect(await bench.put() == .accepted)
        }
    }

    @Test func `one that speaks no TLS gets no request`() async throws {
        var options = FlashbackStandIn.Options()
        options.certificate = .plainHTTP
        let standIn = try await StandIn.start(options)
        let target = try Bench.target(at: "https://127.0.0.1:\(standIn.port)", limits: Bench.quick)
        let secrets = Bench.secrets(key: Bench.key, secret: nil, bearer: Bench.bearer)
        let answer = await target.put(.offered, of: secrets, field: .key, fields: RemoteFields(), to: try RemoteID(Bench.defaultID))
        #expect(answer == .notSent(Reason("the TLS handshake failed")))
        #expect(standIn.received.isEmpty)
        await standIn.stop()
    }

    @Test func `a name that does not exist is told so`() async throws {
        let target = try Bench.target(at: "https://keyturn.invalid", limits: Bench.quick)
        let secrets = Bench.secrets(key: Bench.key, secret: nil, bearer: Bench.bearer)
        let answer = await target.put(.offered, of: secrets, field: .key, fields: RemoteFields(), to: try RemoteID(Bench.defaultID))
        // A resolver may also take longer than the limit to say no.
        #expect(["the host name can't be resolved", "no connection within 5 s"].contains(answer.reason?.what))
    }

    @Test func `a cancelled call ends at once`() async throws {
        try await Bench.with { bench in
            bench.standIn.order(.hangBeforeEffect, for: .put)
            let call = Task { await bench.put() }
            await bench.standIn.waitFor(1, of: .put)
            call.cancel()
            #expect(await call.value == .unknown(Reason("cancelled after the request was sent"), retryAfter: nil))
        }
    }
}
