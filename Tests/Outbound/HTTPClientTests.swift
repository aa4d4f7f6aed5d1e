import FlashbackStandIn
import Model
import Outbound
import Secrets
import Testing

@Suite struct `Kept-alive connections` {
    @Test func `one connection carries many requests`() async throws {
        try await Line.with { line in
            for _ in 0..<50 { #expect(await line.validate().status == 200) }
            #expect(line.standIn.connections == 1)
        }
    }

    @Test func `requests at once get connections of their own, up to the limit; the rest wait`() async throws {
        try await Line.with(.patient { $0.connectionsMax = 3 }) { line in
            line.standIn.order(.gate, for: .validate, times: 3)
            await withTaskGroup(of: Int?.self) { group in
                for _ in 0..<10 { group.addTask { await line.validate().status } }
                await line.standIn.waitFor(3, of: .validate)
                #expect(line.standIn.connections == 3)
                line.standIn.release()
                for await status in group { #expect(status == 200) }
            }
            #expect(line.standIn.count(of: .validate) == 10)
            #expect(line.standIn.connections == 3)
        }
    }

    @Test func `one who waits too long for a connection, and says that nothing was sent, has sent nothing`() async throws {
        try await Line.with(
            .patient {
                $0.request = .milliseconds(300)
                $0.connectionsMax = 1
            }
        ) { line in
            line.standIn.order(.hangBeforeEffect, for: .any, times: .max)
            let calls = (0..<8).map { _ in Task { await line.validate() } }
            var sent = 0
            for call in calls {
                let failure = await call.value.failure
                #expect(failure?.kind == .timedOut)
                if failure?.wasSent == true { sent += 1 }
            }
            #expect(line.standIn.count(of: .validate) <= sent)
        }
    }

    @Test func `one who is cancelled while waiting has sent nothing`() async throws {
        try await Line.with(.patient { $0.connectionsMax = 1 }) { line in
            line.standIn.order(.gate, for: .validate)
            let first = Task { await line.validate() }
            await line.standIn.waitFor(1, of: .validate)
            let second = Task { await line.validate() }
            second.cancel()
            #expect(await second.value.failure == Failure(.cancelled, "cancelled", wasSent: false))
            line.standIn.release()
            #expect(await first.value.status == 200)
            #expect(line.standIn.count(of: .validate) == 1)
        }
    }

    @Test func `a stale connection is replaced before anything is written`() async throws {
        try await Line.with { line in
            for round in 1...20 {
                let outcome = await line.validate()
                #expect(outcome.status == 200, "\(String(describing: outcome.failure))")
                #expect(line.standIn.connections == round)
                await line.standIn.cutConnections()
            }
        }
    }

    @Test func `a request that was written is never repeated`() async throws {
        try await Line.with { line in
            #expect(await line.validate().status == 200)
            for fault in [Fault.resetBeforeEffect, .resetAfterEffect] {
                line.standIn.order(fault, for: .validate)
                let seen = line.standIn.count(of: .any)
                let failure = await line.validate().failure
                #expect(failure?.kind == .reset && failure?.wasSent == true)
                #expect(line.standIn.count(of: .any) == seen + 1)
            }
            #expect(await line.validate().status == 200)
        }
    }

    @Test func `an idle connection is closed after a while`() async throws {
        try await Line.with(.patient { $0.idle = .milliseconds(50) }) { line in
            #expect(await line.validate().status == 200)
            await line.standIn.waitForConnectionsToClose()
            #expect(await line.validate().status == 200)
            #expect(line.standIn.connections == 2)
        }
    }
}

@Suite struct `Whether a request was sent` {
    @Test func `no connection means that it was not`() async throws {
        try await Line.with { line in
            await line.standIn.closeListener()
            #expect(await line.validate().failure == Failure(.connectFailed, "connection refused", wasSent: false))
        }
    }

    @Test(arguments: [
        (Fault.hangBeforeEffect, Failure.Kind.timedOut), (.slowBody, .timedOut), (.resetBeforeEffect, .reset), (.overlong, .overlong),
        (.endlessBody, .overlong),
    ])
    func `an answer that does not come whole means that it may have been`(_ fault: Fault, _ kind: Failure.Kind) async throws {
        // A short limit only where it is what ends the request.
        try await Line.with(.patient { $0.request = kind == .timedOut ? .seconds(5) : $0.request }) { line in
            line.standIn.order(fault, for: .validate)
            let failure = await line.validate().failure
            #expect(failure?.kind == kind && failure?.wasSent == true)
        }
    }

    @Test func `a cancelled request may have been`() async throws {
        try await Line.with { line in
            line.standIn.order(.hangAfterEffect, for: .validate)
            let call = Task { await line.validate() }
            await line.standIn.waitFor(1, of: .validate)
            call.cancel()
            #expect(await call.value.failure == Failure(.cancelled, "cancelled after the request was sent", wasSent: true))
        }
    }

    @Test func `a redirect is an answer like any other`() async throws {
        try await Line.with { line in
            line.standIn.order(.redirect(to: "/ai/llm"), for: .validate)
            #expect(await line.validate().status == 307)
            #expect(line.standIn.count(of: .any) == 1)
        }
    }
}

@Suite struct `Trust settings` {
    @Test(arguments: [
        "", "ab", String(repeating: "g", count: 64), String(repeating: "a", count: 63), "sha256/" + String(repeating: "a", count: 64),
    ])
    func `a pin is 64 hex digits`(_ pin: String) {
        #expect(throws: InvalidValue.self) { try Trust(caPEM: nil, pinSHA256: pin) }
    }

    @Test func `upper and lower case name the same pin`() throws {
        #expect(
            try Trust(caPEM: nil, pinSHA256: String(repeating: "aB", count: 32))
                == Trust(caPEM: nil, pinSHA256: String(repeating: "Ab", count: 32)))
    }

    @Test(arguments: ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "hello"])
    func `a CA is certificates in PEM form`(_ pem: String) {
        #expect(throws: InvalidValue.self) { try Trust(caPEM: pem, pinSHA256: nil) }
    }
}

/// A client and the stand-in at its other end.
struct Line {
    let standIn: StandIn
    let client: HTTPClient

    static func with(_ limits: Limits = .patient(), _ body: (Line) async throws -> Void) async throws {
        let standIn = try await StandIn.start()
        standIn.addConfiguration(id: "one", name: "one", key: "good")
        let client = HTTPClient(
            baseURL: try BaseURL(standIn.baseURL, plainHTTP: .refused), trust: try Trust(caPEM: standIn.caPEM, pinSHA256: nil),
            contexts: TLSContexts(),
            limits: limits)
        do {
            try await body(Line(standIn: standIn, client: client))
        } catch {
            await standIn.stop()
            throw error
        }
        await standIn.stop()
    }

    func validate() async -> Outcome {
        let bearer = Secret(count: Options.defaultBearer.utf8.count) { $0.copyBytes(from: Options.defaultBearer.utf8) }
        return await client.send(Request(.post, "/ai/llm/one/validate"), bearer: bearer)
    }
}

extension Outcome {
    var status: Int? {
        switch self {
        case .response(let response): response.status
        case .failure: nil
        }
    }

    var failure: Failure? {
        switch self {
        case .response: nil
        case .failure(let failure): failure
        }
    }
}

extension Limits {
    /// What a loaded machine is slow with is no time-out.
    fileprivate static func patient(_ change: (inout Limits) -> Void = { _ in }) -> Limits {
        var limits = Limits(connect: .seconds(120), request: .seconds(120))
        change(&limits)
        return limits
    }
}
