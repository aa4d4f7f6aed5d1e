import FakeDaemon
import Glibc
import KeyturnWire
import Synchronization
import Testing

@testable import KeyturnClient

@Suite struct `Calling the daemon` {
    @Test func `a good answer comes with its status, tag and place`() async throws {
        let answer = { @Sendable (_: FakeDaemon.Request) in
            FakeDaemon.Reply.json(200, Samples.config, headers: ["ETag": "\"7\"", "Location": "/v1/configs/a"])
        }
        try await FakeDaemon.serving(answer) { fake in
            let reply = try await Daemon(socketPath: fake.socketPath).config("a")
            #expect(reply.status == 200)
            #expect(reply.etag == "\"7\"")
            #expect(reply.location == "/v1/configs/a")
            #expect(reply.body.remoteID == "r1")
        }
    }

    @Test func `fields that this version does not know are no obstacle`() async throws {
        try await FakeDaemon.serving { _ in
            .json(200, #"{"status":"ok","mood":"fine"}"#)
        } _: { fake in
            let health = try await Daemon(socketPath: fake.socketPath).health().body
            #expect(health == Health(status: "ok"))
        }
    }

    @Test func `an error is the problem that the daemon tells, with its rotation`() async throws {
        let document =
            #"{"type":"urn:keyturn:problem:key-rejected","title":"t","status":422,"detail":"d","rotation":\#(Samples.rotation("rejected"))}"#
        try await FakeDaemon.serving { _ in
            .json(422, document)
        } _: { fake in
            let error = await #expect(throws: ClientError.self) {
                try await Daemon(socketPath: fake.socketPath).start(.rotate, of: "a", Rotate())
            }
            guard case .problem(let problem) = error else { return #expect(Bool(false), "\(String(describing: error))") }
            #expect(problem.code == "key-rejected")
            #expect(problem.rotation?.state == "rejected")
        }
    }

    private static let turnedAway =
        #"{"type":"urn:keyturn:problem:stopping","title":"t","status":503,"detail":"d","rotation":null}"#

    private static func quick(_ fake: FakeDaemon, restartTime: Duration) -> Daemon {
        var limits = Daemon.Limits()
        limits.restartPause = .milliseconds(1)
        limits.restartTime = restartTime
        return Daemon(socketPath: fake.socketPath, limits: limits)
    }

    @Test func `turned away by a daemon that stops, it asks the next one`() async throws {
        let count = Mutex(0)
        try await FakeDaemon.serving { _ in
            count.withLock { count in
                count += 1
                return count < 3 ? .json(503, Self.turnedAway) : .json(200, Samples.config)
            }
        } _: { fake in
            let reply = try await Self.quick(fake, restartTime: .seconds(60)).config("a")
            #expect(reply.status == 200)
            #expect(fake.requests.count == 3)
        }
    }

    @Test func `turned away, it waits for the socket of the next one`() async throws {
        let folder = try ThrowawayFolder()
        defer { folder.remove() }
        let (aside, path) = (folder.path + "/aside", folder.path + "/s")
        let isFirst = Mutex(true)
        try await FakeDaemon.serving { _ in
            // Its socket goes with it, and is there again a moment later.
            if isFirst.withLock({ isFirst in
                defer { isFirst = false }; return isFirst
            }) {
                rename(path, aside)
                Task {
                    try? await Task.sleep(for: .milliseconds(50))
                    rename(aside, path)
                }
                return .json(503, Self.turnedAway)
            }
            return .json(200, Samples.config)
        } _: { fake in
            rename(fake.socketPath, path)
            var limits = Daemon.Limits()
            limits.restartPause = .milliseconds(1)
            let reply = try await Daemon(socketPath: path, limits: limits).config("a")
            #expect(reply.status == 200)
        }
    }

    @Test func `a daemon that goes on stopping is not waited for without end`() async throws {
        try await FakeDaemon.serving { _ in
            .json(503, Self.turnedAway)
        } _: { fake in
            let error = await #expect(throws: ClientError.self) {
                try await Self.quick(fake, restartTime: .milliseconds(20)).config("a")
            }
            guard case .problem(let problem) = error else { return #expect(Bool(false), "\(String(describing: error))") }
            #expect(problem.code == "stopping")
        }
    }

    /// The next one may have brought it to its end by then, and would begin another.
    @Test func `a rotation that the daemon's end cut off is not asked for again without its key`() async throws {
        let document = Self.turnedAway.replacing("null", with: Samples.rotation("running"))
        try await FakeDaemon.serving { _ in
            .json(503, document)
        } _: { fake in
            await #expect(throws: ClientError.self) {
                try await Self.quick(fake, restartTime: .seconds(60)).start(.rotate, of: "a", Rotate())
            }
            #expect(fake.requests.count == 1)
        }
    }

    /// As long as that takes: a timer's run that met a restart has not failed.
    @Test func `with its key, it is waited for at the next daemon, however long it had taken by then`() async throws {
        let document = Self.turnedAway.replacing("null", with: Samples.rotation("running"))
        let count = Mutex(0)
        let late = Mutex(Duration.zero)
        try await FakeDaemon.serving { _ in
            let number = count.withLock { count in
                count += 1
                return count
            }
            // The first one stops after more than the time for which a next one is waited for.
            if number == 1 { late.withLock { $0 = .seconds(3600) } }
            return number < 4 ? .json(503, number == 2 ? Self.turnedAway : document) : .json(200, Samples.rotation("succeeded"))
        } _: { fake in
            var limits = Daemon.Limits()
            limits.restartPause = .milliseconds(1)
            limits.now = { .now + late.withLock { $0 } }
            let daemon = Daemon(socketPath: fake.socketPath, limits: limits)
            let reply = try await daemon.start(.rotate, of: "a", Rotate(), idempotencyKey: "k-1")
            guard case .rotation(let rotation) = reply.body else { return #expect(Bool(false), "\(reply)") }
            #expect(rotation.state == "succeeded")
            #expect(fake.requests.count == 4 && fake.requests.allSatisfy { $0.headers["idempotency-key"] == "k-1" })
        }
    }

    @Test(arguments: [404, 500]) func `an error without a problem document is no answer of this daemon`(_ status: Int) async throws {
        try await FakeDaemon.serving { _ in
            .json(status, "<html>")
        } _: { fake in
            let error = await #expect(throws: ClientError.self) { try await Daemon(socketPath: fake.socketPath).status() }
            guard case .garbage = error else { return #expect(Bool(false), "\(String(describing: error))") }
        }
    }

    @Test func `a name that is none can't change which path is called`() async throws {
        try await FakeDaemon.serving { _ in
            .json(200, Samples.config)
        } _: { fake in
            _ = try await Daemon(socketPath: fake.socketPath).config("../a b?c#d/é")
            #expect(fake.requests.map(\.target) == ["/v1/configs/..%2Fa%20b%3Fc%23d%2F%C3%A9"])
        }
    }

    @Test func `a rotation that is not waited for says so, and carries its idempotency key`() async throws {
        try await FakeDaemon.serving { _ in
            .json(202, Samples.rotation("running"))
        } _: { fake in
            let reply = try await Daemon(socketPath: fake.socketPath)
                .start(.rotate, of: "a", Rotate(ifDue: true), waiting: .no, idempotencyKey: "k1")
            guard case .rotation(let rotation) = reply.body else { return #expect(Bool(false), "\(reply.body)") }
            #expect(rotation.state == "running")
            let request = try #require(fake.requests.first)
            #expect(request.method == "POST")
            #expect(request.target == "/v1/configs/a/rotate")
            #expect(request.headers["prefer"] == "respond-async")
            #expect(request.headers["idempotency-key"] == "k1")
            #expect(request.body == #"{"if_due":true}"#)
        }
    }

    @Test(arguments: [
        (#"{"rotated":false,"due_at":null,"reason":"not due"}"#, RotationAnswer.notDue(NotDue(rotated: false, reason: "not due"))),
        (
            #"{"rotated":false,"version":3,"base_url":"https://b","remote_id":"r","steps":["put"]}"#,
            .dryRun(DryRun(rotated: false, version: 3, baseURL: "https://b", remoteID: "r", steps: ["put"]))
        ),
    ]) func `what is no rotation is told apart`(_ body: String, _ expected: RotationAnswer) async throws {
        try await FakeDaemon.serving { _ in
            .json(200, body)
        } _: { fake in
            let answer = try await Daemon(socketPath: fake.socketPath).start(.rotate, of: "a", Rotate()).body
            #expect(answer == expected)
        }
    }

    @Test func `a change names the version that it is made to`() async throws {
        try await FakeDaemon.serving { _ in
            .json(200, Samples.config)
        } _: { fake in
            let body = PutConfig(upstream: "fb", remoteID: "r1", aiType: "OPENAI")
            _ = try await Daemon(socketPath: fake.socketPath).putConfig("a", body, ifMatch: "\"7\"")
            #expect(fake.requests.first?.headers["if-match"] == "\"7\"")
        }
    }

    @Test func `lists take a cursor, a limit and a filter`() async throws {
        try await FakeDaemon.serving { _ in
            .json(200, #"{"items":[],"next":null}"#)
        } _: { fake in
            let daemon = Daemon(socketPath: fake.socketPath)
            _ = try await daemon.configs(ConfigFilter(isDue: true), after: "c&d", limit: 5)
            _ = try await daemon.rotations()
            #expect(fake.requests.map(\.target) == ["/v1/configs?after=c%26d&limit=5&due=true", "/v1/rotations"])
        }
    }
}

@Suite struct `A daemon that does not answer` {
    @Test func `no socket is unreachable`() async {
        let error = await #expect(throws: ClientError.self) { try await Daemon(socketPath: "/nonexistent/s").health() }
        #expect(error == .unreachable(path: "/nonexistent/s", why: "there is no such socket (is keyturnd running?)"))
    }

    @Test func `a path too long for a socket is unreachable`() async {
        let path = "/tmp/" + String(repeating: "x", count: 120)
        let error = await #expect(throws: ClientError.self) { try await Daemon(socketPath: path).health() }
        #expect(error == .unreachable(path: path, why: "a socket's path has at most 107 bytes"))
    }

    @Test func `a connection that breaks leaves open what happened, unless nothing could`() async throws {
        try await FakeDaemon.serving { _ in
            .breakOff
        } _: { fake in
            let daemon = Daemon(socketPath: fake.socketPath)
            let changing = await #expect(throws: ClientError.self) { try await daemon.seal() }
            guard case .lost = changing else { return #expect(Bool(false), "\(String(describing: changing))") }
            let reading = await #expect(throws: ClientError.self) { try await daemon.health() }
            guard case .unanswered = reading else { return #expect(Bool(false), "\(String(describing: reading))") }
        }
    }

    @Test func `a daemon that hangs is given up on`() async throws {
        try await FakeDaemon.serving { _ in
            .silence
        } _: { fake in
            var limits = Daemon.Limits()
            limits.replyTime = .milliseconds(1)
            let daemon = Daemon(socketPath: fake.socketPath, limits: limits)
            let error = await #expect(throws: ClientError.self) { try await daemon.health() }
            guard case .unanswered = error else { return #expect(Bool(false), "\(String(describing: error))") }
        }
    }

    @Test func `an endless answer is cut off`() async throws {
        try await FakeDaemon.serving { _ in
            .json(200, String(repeating: " ", count: 1000))
        } _: { fake in
            var limits = Daemon.Limits()
            limits.replyBytesMax = 999
            let daemon = Daemon(socketPath: fake.socketPath, limits: limits)
            let error = await #expect(throws: ClientError.self) { try await daemon.health() }
            #expect(error == .garbage("it has more than 999 bytes"))
        }
    }
}

@Suite struct `Whom a secret is sealed for` {
    @Test(
        arguments: [
            (server: 0, own: 1000, owner: 1000, trusted: true),
            (server: 1000, own: 1000, owner: 0, trusted: true),
            (server: 990, own: 1000, owner: 990, trusted: true),
            (server: 1001, own: 1000, owner: 0, trusted: false),
            (server: 1001, own: 1000, owner: nil, trusted: false),
        ] as [(UInt32, UInt32, UInt32?, Bool)])
    func `root, oneself, and the owner of the socket's folder`(_ server: UInt32, _ own: UInt32, _ owner: UInt32?, _ trusted: Bool) {
        #expect(ServerIdentity.isTrusted(server: server, ownUID: own, folderOwner: owner) == trusted)
    }

    @Test func `the kernel says who serves a real socket`() async throws {
        try await FakeDaemon.serving { _ in
            .json(200, #"{"key_id":"i","key":"k","purposes":["stage"]}"#)
        } _: { fake in
            let key = try await Daemon(socketPath: fake.socketPath).intakeKey().body
            #expect(key.keyID == "i")
        }
    }
}

enum Samples {
    static let config = """
        {"name":"a","upstream":"fb","remote_id":"r1","ai_type":"OPENAI","field":"key","state":"ok","grace_seconds":86400,"prove":true,\
        "paused":false,"staged_versions":0,"versions":[],"created_at":"2026-11-24T00:00:00Z"}
        """

    static func rotation(_ state: String) -> String {
        """
        {"id":"01JDG0000000000000000000AA","config":"a","kind":"rotate","state":"\(state)","step":"done","rotated":\(state == "succeeded"),"version":2,\
        "attempts":1,"cycles_used":0,"cycles_max":10,"warnings":[],"requested_by":{"uid":0},"started_at":"2026-11-24T00:00:00Z"}
        """
    }
}
