import FakeDaemon
import Testing

@testable import keyturn

@Suite struct `Setting a config` {
    @Test func `what is not given stays as it is`() async throws {
        let answer = { @Sendable (_: FakeDaemon.Request) in
            FakeDaemon.Reply.json(200, config("a", more: #","every_seconds":86400,"description":"old""#), headers: ["ETag": "\"3\""])
        }
        try await FakeDaemon.serving(answer) { fake in
            #expect(await keyturn("config", "set", "a", "--every", "30d", at: fake.socketPath).status == .done)
            let put = try #require(fake.requests.last)
            #expect(put.method == "PUT")
            #expect(put.headers["if-match"] == "\"3\"")
            #expect(
                put.body
                    == #"{"ai_type":"OPENAI","description":"old","every_seconds":2592000,"field":"secret","grace_seconds":3600,"prove":false,"remote_id":"r1","upstream":"fb"}"#
            )
        }
    }

    @Test func `what is given to be empty is taken away`() async throws {
        try await FakeDaemon.serving { _ in
            .json(200, config("a", more: #","every_seconds":86400,"description":"old""#))
        } _: { fake in
            _ = await keyturn("config", "set", "a", "--every", "never", "--description", "", "--prove", at: fake.socketPath)
            #expect(
                fake.requests.last?.body
                    == #"{"ai_type":"OPENAI","field":"secret","grace_seconds":3600,"prove":true,"remote_id":"r1","upstream":"fb"}"#)
        }
    }

    @Test func `a new one needs its binding`() async throws {
        let answer = { @Sendable (request: FakeDaemon.Request) in
            request.method == "GET" ? problem("unknown-config", 404) : FakeDaemon.Reply.json(200, config("a"))
        }
        try await FakeDaemon.serving(answer) { fake in
            let incomplete = await keyturn("config", "set", "a", "--upstream", "fb", at: fake.socketPath)
            #expect(incomplete.status == .usage)
            #expect(fake.requests.allSatisfy { $0.method == "GET" })
            let ran = await keyturn("config", "set", "a", "--upstream", "fb", "--id", "r1", "--ai-type", "openai", at: fake.socketPath)
            #expect(ran.status == .done)
            #expect(ran.output == "Config a made.\n")
            #expect(fake.requests.last?.body == #"{"ai_type":"OPENAI","remote_id":"r1","upstream":"fb"}"#)
            #expect(fake.requests.last?.headers["if-match"] == nil)
        }
    }

    @Test func `a list that is empty says what comes first`() async throws {
        try await FakeDaemon.serving { _ in
            .json(200, #"{"items":[],"next":null}"#)
        } _: { fake in
            let ran = await keyturn("config", "list", at: fake.socketPath)
            #expect(ran.status == .done)
            #expect(ran.output.isEmpty)
            #expect(ran.errors.contains("keyturn config set NAME"))
            #expect(await keyturn("config", "list", "--json", at: fake.socketPath).output == #"{"items":[],"next":null}"# + "\n")
        }
    }
}

@Suite struct `Setting an upstream` {
    private static let stored =
        #"{"name":"fb","base_url":"https://b.example","ca_pem":"PEM","allow_plain_http":false,"bearer":"none","configs":0}"#

    @Test func `a CA's content goes out, never its path`() async throws {
        let folder = try ThrowawayFolder()
        defer { folder.remove() }
        let file = try folder.file("ca.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        let answer = { @Sendable (request: FakeDaemon.Request) in
            request.method == "GET" ? problem("unknown-upstream", 404) : FakeDaemon.Reply.json(200, Self.stored)
        }
        try await FakeDaemon.serving(answer) { fake in
            let ran = await keyturn("upstream", "set", "fb", "--base-url", "https://b.example", "--ca-file", file, at: fake.socketPath)
            #expect(ran.status == .done)
            #expect(ran.errors.contains("keyturn upstream set fb --token-stdin"))
            #expect(
                fake.requests.last?.body
                    == #"{"allow_plain_http":false,"base_url":"https://b.example","ca_pem":"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}"#
            )
        }
    }

    @Test func `a private key in the CA file stays where it is`() async throws {
        let folder = try ThrowawayFolder()
        defer { folder.remove() }
        let file = try folder.file("ca.pem", "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n")
        try await FakeDaemon.serving { _ in
            .json(200, Self.stored)
        } _: { fake in
            #expect(await keyturn("upstream", "set", "fb", "--ca-file", file, at: fake.socketPath).status == .usage)
            #expect(fake.requests.allSatisfy { $0.method == "GET" })
        }
    }

    @Test func `a plain http address is refused before anything is sent`() async throws {
        try await FakeDaemon.serving { _ in
            .json(200, Self.stored)
        } _: { fake in
            #expect(await keyturn("upstream", "set", "fb", "--base-url", "http://b.example", at: fake.socketPath).status == .usage)
            #expect(fake.requests.allSatisfy { $0.method == "GET" })
        }
    }
}
