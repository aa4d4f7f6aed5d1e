import FlashbackStandIn
import Glibc
import Synchronization
import TestProcesses
import Testing

@Suite(.timeLimit(.minutes(10))) struct `A daemon that is told to stop` {
    /// Well below the 25 s that it may take.
    private static let soon = Duration.seconds(15)

    private static let rotate = "/v1/configs/\(Scene.config)/rotate"

    @Test func `lets what is under way come to its end, tells who waits how it ended, and turns away what is new`() async throws {
        try await Scene.with(.patient) { scene in
            scene.standIn.order(.gate, for: .put)
            let command = try scene.beginRotating()
            await scene.standIn.waitFor(1, of: .put)
            scene.keyturn.daemon?.send(SIGTERM)
            // Until the signal has arrived a request is still taken.
            var turnedAway: RawCall.Reply?
            try await scene.until("a new request is turned away") {
                turnedAway = try await RawCall.send("GET", "/v1/status", to: scene.keyturn.socket)
                return turnedAway?.status == 503
            }
            let problem = try #require(try turnedAway?.document)
            #expect(problem.code == "stopping" && turnedAway?.headers["retry-after"] == "5", "\(problem)")
            #expect(command.process.ending == nil, "who waits goes on waiting")
            scene.standIn.release()
            let run = try await command.result()
            #expect(try run.status == 0 && run.document["state"].text == "succeeded", "\(run.errors)")
            #expect(try await scene.keyturn.daemon?.ended() == .exited(0))
            try await scene.keyturn.start()
            #expect(try await scene.versions() == [1: "previous", 2: "current"])
            #expect(scene.standIn.count(of: .put) == 1 && scene.held == "new", "nothing was left to be resumed")
        }
    }

    @Test func `leaves what takes longer than the stop time to the next start, and tells who waits where to look`() async throws {
        var setting = Scene.Setting.patient
        setting.settings += "stop_timeout: 1s\n"
        try await Scene.with(setting) { scene in
            scene.standIn.order(.gate, for: .put)
            async let waiting = RawCall.send("POST", Self.rotate, body: "{}", to: scene.keyturn.socket)
            await scene.standIn.waitFor(1, of: .put)
            scene.keyturn.daemon?.send(SIGTERM)
            try await Self.expectInterrupted(waiting)
            #expect(try await scene.keyturn.daemon?.ended() == .exited(0))
            scene.standIn.release()
            try await scene.keyturn.start()
            try await scene.rotation(in: "succeeded")
            #expect(scene.held == "new")
        }
    }

    @Test func `tells who resolves, too`() async throws {
        var setting = Scene.Setting.patient
        setting.settings += "stop_timeout: 1s\n"
        try await Scene.with(setting) { scene in
            scene.standIn.order(.successFalse(message: "No", stores: false), for: .put, times: 1)
            scene.standIn.order(.status(403), for: .put, times: 1)
            let id = try #require(try await scene.rotate().document["id"].text)
            scene.standIn.order(.gate, for: .put)
            async let waiting = RawCall.send("POST", "/v1/rotations/\(id)/resolve", body: #"{"how":"retry"}"#, to: scene.keyturn.socket)
            await scene.standIn.waitFor(3, of: .put)
            scene.keyturn.daemon?.send(SIGTERM)
            try await Self.expectInterrupted(waiting)
            #expect(try await scene.keyturn.daemon?.ended() == .exited(0))
            scene.standIn.release()
            try await scene.keyturn.start()
            try await scene.rotation(in: "succeeded")
        }
    }

    @Test func `does not wait for a retry whose time has not come`() async throws {
        var setting = Scene.Setting.patient
        setting.settings = setting.settings.replacing("backoff_first: 10ms", with: "backoff_first: 1h")
            .replacing("backoff_max: 50ms", with: "backoff_max: 1h").replacing("cycle: 60s", with: "cycle: 9h")
        try await Scene.with(setting) { scene in
            scene.standIn.order(.status(503), for: .put)
            async let waiting = RawCall.send("POST", Self.rotate, body: "{}", to: scene.keyturn.socket)
            try await scene.until("the first try has failed") { scene.keyturn.log.contains("answer unknown") }
            let start = ContinuousClock.now
            scene.keyturn.daemon?.send(SIGTERM)
            try await Self.expectInterrupted(waiting)
            #expect(try await scene.keyturn.daemon?.ended() == .exited(0))
            #expect(ContinuousClock.now - start < Self.soon)
            try await scene.keyturn.start()
            try await scene.rotation(in: "succeeded")
        }
    }

    @Test(arguments: [SIGTERM, SIGINT]) func `told so a second time, it waits no more, but answers who does`(_ signal: Int32) async throws {
        try await Scene.with(.patient) { scene in
            scene.standIn.order(.gate, for: .put)
            async let waiting = RawCall.send("POST", Self.rotate, body: "{}", to: scene.keyturn.socket)
            await scene.standIn.waitFor(1, of: .put)
            let start = ContinuousClock.now
            scene.keyturn.daemon?.send(SIGTERM)
            try await scene.until("it stops") { scene.keyturn.log.contains("Stopping.") }
            scene.keyturn.daemon?.send(signal)
            try await Self.expectInterrupted(waiting)
            #expect(try await scene.keyturn.daemon?.ended() == .exited(0))
            #expect(ContinuousClock.now - start < Self.soon)
            scene.standIn.release()
            try await scene.keyturn.start()
            try await scene.rotation(in: "succeeded")
        }
    }

    @Test func `ends a stream of events as it should end`() async throws {
        try await Scene.with { scene in
            async let watching = RawCall.send("GET", "/v1/events", to: scene.keyturn.proxySocket)
            try await scene.until("the stream is there") {
                String(decoding: scene.keyturn.whatCanBeSeen()["the socket"] ?? [], as: UTF8.self).contains(": connected")
            }
            #expect(try await scene.keyturn.terminate() == .exited(0))
            let stream = try await watching
            #expect(stream.body.hasSuffix("0\r\n\r\n"), "the last chunk")
        }
    }

    @Test func `an idle one ends at once and takes its socket along`() async throws {
        try await Scene.with { scene in
            let start = ContinuousClock.now
            let ending = try await scene.keyturn.terminate()
            #expect(ending == .exited(0))
            #expect(ContinuousClock.now - start < Self.soon)
            #expect(access(scene.keyturn.socket, F_OK) != 0)
        }
    }

    private static func expectInterrupted(_ reply: RawCall.Reply, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let problem = try reply.document
        #expect(reply.status == 503 && problem.code == "stopping", "\(reply)", sourceLocation: sourceLocation)
        #expect(reply.headers["retry-after"] == "5", sourceLocation: sourceLocation)
        #expect(problem["rotation"]["state"].text == "running", sourceLocation: sourceLocation)
        #expect(problem["rotation"]["version"].number == 2, sourceLocation: sourceLocation)
        #expect(problem["next_step"].text == "keyturn history \(Scene.config)", sourceLocation: sourceLocation)
    }
}

@Suite(.timeLimit(.minutes(10))) struct `A daemon that says that it is ready` {
    @Test func `serves the very first request`() async throws {
        try await Installation.with { keyturn in
            try await keyturn.initialise()
            let manager = try NotifySocket(path: "\(keyturn.folder.path)/notify")
            defer { manager.close() }
            try keyturn.launch(in: Surroundings { $0.environment["NOTIFY_SOCKET"] = manager.path })
            try await manager.hears("READY=1")
            #expect(manager.lines.contains("STATUS=Unsealed."))
            #expect(try await RawCall.send("GET", "/v1/intake-key", to: keyturn.socket).status == 200)
            #expect(try await keyturn.terminate() == .exited(0))
            #expect(manager.lines.contains("STOPPING=1"))
            #expect(manager.lines.contains { $0.hasPrefix("EXTEND_TIMEOUT_USEC=") })
        }
    }

    /// Each request is asked once, on a connection of its own: no client asks again behind the test's back.
    @Test func `and starts again, over and over, through the socket of systemd without refusing one request`() async throws {
        try await Installation.with { keyturn in
            try await keyturn.initialise()
            let listener = try ListeningDescriptor(path: keyturn.socket)
            defer { listener.close() }
            let isOver = Flag()
            let socket = keyturn.socket
            defer { isOver.raise() }
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 1...3 {
                    group.addTask {
                        var answers = 0
                        while !isOver.isRaised {
                            let answer = try await RawCall.send("GET", "/v1/intake-key", to: socket)
                            #expect(answer.status == 200, "\(answer)")
                            answers += 1
                        }
                        return answers
                    }
                }
                for _ in 1...20 {
                    try keyturn.launch(in: Surroundings { $0.listener = listener.descriptor })
                    #expect(try await RawCall.send("GET", "/v1/intake-key", to: socket).status == 200)
                    #expect(try await keyturn.terminate() == .exited(0))
                }
                isOver.raise()
                // What waits in the socket's queue is the next daemon's.
                try keyturn.launch(in: Surroundings { $0.listener = listener.descriptor })
                for try await answers in group { #expect(answers > 20) }
            }
        }
    }

    @Test func `serves what came before it through the socket of systemd, and leaves that socket to the next one`() async throws {
        try await Installation.with { keyturn in
            try await keyturn.initialise()
            let listener = try ListeningDescriptor(path: keyturn.socket)
            let manager = try NotifySocket(path: "\(keyturn.folder.path)/notify")
            defer {
                listener.close()
                manager.close()
            }
            for _ in 1...2 {
                async let early = RawCall.send("GET", "/v1/intake-key", to: keyturn.socket)
                try keyturn.launch(
                    in: Surroundings {
                        $0.environment["NOTIFY_SOCKET"] = manager.path
                        $0.listener = listener.descriptor
                    })
                #expect(try await early.status == 200)
                try await manager.hears("READY=1")
                #expect(try await RawCall.send("GET", "/v1/intake-key", to: keyturn.socket).status == 200)
                #expect(try await keyturn.terminate() == .exited(0))
                #expect(access(keyturn.socket, F_OK) == 0)
            }
        }
    }
}

private final class Flag: Sendable {
    private let state = Mutex(false)
    var isRaised: Bool { state.withLock { $0 } }
    func raise() { state.withLock { $0 = true } }
}
