import FakeDaemon
import FlashbackStandIn
import Foundation
import Glibc
import TestProcesses
import Testing

@Suite(.timeLimit(.minutes(10)), .enabled(if: MemoryScan.isPossible, "\(MemoryScan.whyNot)")) struct `The memory of the daemon` {
    @Test func `holds no secret outside of guarded pages, whatever became of a rotation`() async throws {
        try await Scene.with(Scene.Setting { $0.hasSecrets = true }) { scene in
            var memory = try await WatchedMemory(scene)
            for outcome in Outcome.all {
                try await outcome.bring(scene)
                try await memory.look(after: outcome.testDescription)
            }
        }
    }

    @Test func `holds a key that is on its way in guarded pages alone`() async throws {
        try await Scene.with(.patient) { scene in
            scene.standIn.order(.gate, for: .put)
            let rotation = try scene.beginRotating()
            await scene.standIn.waitFor(1, of: .put)
            let scan = try await MemoryScan(of: try #require(scene.keyturn.daemon), for: scene.search)
            // The head of the request lies in a buffer of the connection until the answer is there.
            #expect(scan.outside.filter { !$0.hasPrefix("'tok…") } == [])
            #expect(scan.guarded.contains { $0.hasPrefix("'key…") })
            scene.standIn.release()
            #expect(try await rotation.result().status == 0)
        }
    }

    /// What came in over the socket lay in buffers and texts of libraries, which know nothing of secrets.
    @Test func `is wiped where it is freed: nothing is left of a request once it was answered`() async throws {
        try await Scene.with { scene in
            let sent = [Canary(bearer: "header"), Canary(key: "body"), Canary(bearer: "path")]
            for _ in 1...10 {
                let reply = try await RawCall.send(
                    "POST", "/v1/configs/\(sent[2].text.suffix(32))/pause", body: #"{"reason":\#(quoted(sent[1].text))}"#,
                    headers: ["X-Planted: \(sent[0].text)"], to: scene.keyturn.socket)
                #expect(reply.status == 404)
            }
            // A buffer for what is read next is in use, and keeps what was read last.
            let longer = String(repeating: "x", count: 4096)
            for _ in 1...10 { _ = try await RawCall.send("GET", "/healthz", headers: ["X-Longer: \(longer)"], to: scene.keyturn.socket) }
            let scan = try await MemoryScan(of: try #require(scene.keyturn.daemon), for: CanarySearch(sent))
            #expect(scan.outside == [])
        }
    }

    @Test func `is locked where it is guarded, left out of core dumps, and emptied for who is forked off`() async throws {
        try await Scene.with { scene in
            try await scene.done(["rotate", Scene.config])
            let mappings = try Mapping.all(of: try #require(scene.keyturn.daemon).pid)
            try expectKept(mappings)
        }
    }
}

/// That pages of secrets are locked, left out of core dumps, and emptied for a process that is forked off.
private func expectKept(_ mappings: [Mapping]) throws {
    let guarded = mappings.filter(\.isGuarded)
    #expect(!guarded.isEmpty)
    for mapping in guarded {
        #expect(mapping.flags.isSuperset(of: ["lo", "dd", "wf"]), "\(mapping)")
        #expect(mapping.locked == mapping.range.count / 1024, "\(mapping)")
    }
    let others = mappings.filter { !$0.isGuarded && $0.flags.contains("lo") }
    #expect(others.isEmpty, "what is locked is not taken for guarded: \(others)")
}

@Suite(.timeLimit(.minutes(10)), .enabled(if: MemoryScan.isPossible, "\(MemoryScan.whyNot)")) struct `The memory of the command line` {
    private static let passphrase = Canary(key: "correct horse ")
    private static let key = Canary(key: "key")
    private static let secret = Canary(key: "sec")
    private static let bearer = Canary(bearer: "tok")

    /// What it is asked, and what it reads meanwhile.
    static let sealing: [(arguments: [String], input: String)] = [
        (["stage", Scene.config, "--stdin"], key.text + "\n"),
        (["stage", Scene.config, "--stdin"], #"{"key":\#(quoted(key.text)),"secret":\#(quoted(secret.text))}"#),
        (["upstream", "set", "other", "--base-url", "https://localhost", "--token-stdin"], bearer.text),
        (["upstream", "set", "other", "--base-url", "https://localhost", "--refresh-token-stdin"], bearer.text),
        (["slot", "add", "--passphrase", "--stdin"], passphrase.text),
    ]

    /// A daemon that takes what was sealed and doesn't answer keeps the process at that very place.
    private static func whileSealing(
        _ arguments: [String], _ input: String, _ keyturn: Installation, _ body: @escaping @Sendable (ChildProcess) async throws -> Void
    ) async throws {
        let socket = keyturn.socket
        try await FakeDaemon.serving { request in
            guard request.method == "GET", let reply = try? await RawCall.send("GET", request.target, to: socket) else { return .silence }
            return .json(reply.status, reply.body)
        } _: { fake in
            let run = try keyturn.begin(arguments + ["--socket", fake.socketPath], input: input)
            while fake.requests.last.map({ $0.method == "GET" }) ?? true {
                try #require(run.process.ending == nil, "\(arguments) ended before it sent anything")
                try await Task.sleep(for: .milliseconds(5))
            }
            try await body(run.process)
            run.process.send(SIGKILL)
            _ = try await run.process.ended()
        }
    }

    @Test(arguments: sealing) func `holds no secret outside of guarded pages once it has sealed one`(_ arguments: [String], _ input: String)
        async throws
    {
        try await Scene.with { scene in
            try await Self.whileSealing(arguments, input, scene.keyturn) { process in
                let scan = try await MemoryScan(
                    of: process, for: CanarySearch([Self.passphrase, Self.key, Self.secret, Self.bearer]))
                #expect(scan.outside == [])
                try expectKept(scan.mappings)
                let control = try await MemoryScan(of: process, for: CanarySearch([Canary(text: Scene.config)]))
                #expect(!control.outside.isEmpty || !arguments.contains(Scene.config), "what is no secret is found")
            }
        }
    }

    @Test func `holds neither passphrase nor root key outside of them when it unseals`() async throws {
        try await Scene.with { scene in
            var keys = VaultKeys()
            try await scene.done(["slot", "add", "--passphrase", "--stdin"], input: Self.passphrase.text)
            try await keys.add(of: scene.keyturn)
            try await keys.add(Self.passphrase, of: scene.keyturn)
            try await scene.done(["seal"])
            let search = CanarySearch([Self.passphrase], keys: keys.bytes)
            for (arguments, input) in [
                (["unseal", "--passphrase", "--stdin"], Self.passphrase.text), (["unseal", "--recovery", scene.keyturn.keyFile], ""),
            ] {
                try await Self.whileSealing(arguments, input, scene.keyturn) { process in
                    let scan = try await MemoryScan(of: process, for: search)
                    #expect(scan.outside == [], "\(arguments)")
                    try expectKept(scan.mappings)
                }
            }
        }
    }
}

/// A daemon's memory, looked at again and again for everything that was ever secret there.
struct WatchedMemory {
    private let scene: Scene
    private var keys = VaultKeys()

    init(_ scene: Scene) async throws {
        self.scene = scene
        try await keys.add(of: scene.keyturn)
    }

    mutating func look(after what: String) async throws {
        try await keys.add(of: scene.keyturn)
        for token in scene.standIn.bearers.union(scene.standIn.refreshTokens) { scene.remember(Canary(text: token)) }
        let daemon = try #require(scene.keyturn.daemon)
        let scan = try await MemoryScan(of: daemon, for: scene.search(keys: keys.bytes))
        #expect(scan.outside == [], "after \(what)")
        // That nothing is found is worth something only where it would be.
        #expect(scan.guarded.contains { $0.hasPrefix("record key") }, "guarded pages are read as well")
        let control = try await MemoryScan(of: daemon, for: CanarySearch([Canary(text: Scene.remoteID)]))
        #expect(!control.outside.isEmpty, "what is no secret is found")
    }
}

/// What can become of a rotation, and what else takes secrets through the daemon.
struct Outcome: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bring: @Sendable (Scene) async throws -> Void

    private init(_ description: String, _ bring: @escaping @Sendable (Scene) async throws -> Void) {
        testDescription = description
        self.bring = bring
    }

    static let all = rotations + others

    private static let rotations = [
        rotation("a rotation that succeeded", "succeeded"),
        rotation("one that was refused", "failed", [(.status(403), .put, 1)]),
        rotation("a key that the backend rejected, and quoted", "rejected", [(.echoKey, .put, 1)]),
        rotation("a key that does not work, and was put back", "rejected", key: "bad"),
        rotation("an unknown outcome that was cleared up", "succeeded", [(.resetAfterEffect, .put, 1)]),
        rotation("a refused token", "waiting", [(.status(401), .put, 1)]),
        rotation("a reply without end", "succeeded", [(.endlessBody, .put, 1)]),
        Outcome("an unknown outcome that somebody resolved") { scene in
            let config = try await scene.addRotatable()
            scene.standIn.order(.statusAfterEffect(500), for: .put)
            scene.standIn.order(.status(403), for: .put)
            let stuck = try await scene.rotate(config: config).document
            try #require(stuck["state"].text == "stuck", "\(stuck)")
            try await scene.done(["resolve", stuck["id"].text ?? "", "--applied"])
        },
        Outcome("a rollback") { scene in
            let config = try await scene.addRotatable(grace: "1h")
            try await scene.done(["rotate", config])
            try await scene.done(["rollback", config])
        },
        Outcome("an upstream whose token is refreshed") { scene in
            try await scene.addUpstream("refreshing", refreshes: true)
            let config = try await scene.addRotatable(upstream: "refreshing")
            scene.standIn.expireBearers()
            try await scene.done(["rotate", config])
            // The first upstream's is a fixed one.
            scene.standIn.setBearers(scene.standIn.bearers.union([scene.bearer.text]))
        },
    ]

    private static let others = [
        Outcome("a key that was staged and discarded") { scene in
            let config = try await scene.addRotatable()
            try await scene.done(["discard", config, "2"])
        },
        Outcome("a backup") { scene in
            try await scene.done(["backup", "\(scene.keyturn.folder.path)/the.backup"])
        },
        Outcome("a new slot") { scene in
            scene.remember(passphrase)
            try await scene.done(["slot", "add", "--passphrase", "--stdin"], input: passphrase.text)
        },
        Outcome("a new root key") { scene in try await scene.done(["rekey"]) },
        Outcome("an unsealing by passphrase") { scene in
            try await scene.done(["seal"])
            try await scene.done(["unseal", "--passphrase", "--stdin"], input: passphrase.text)
        },
        Outcome("an unsealing by a key given to the command line") { scene in
            try await scene.done(["seal"])
            try await scene.done(["unseal", "--recovery", scene.keyturn.keyFile])
        },
        Outcome("a rotation after all that") { scene in try await scene.done(["rotate", Scene.config]) },
    ]

    private static let passphrase = Canary(key: "correct horse ")

    private static func rotation(
        _ description: String, _ state: String, _ faults: [(fault: Fault, call: Call, times: Int)] = [], key: String = "key"
    ) -> Outcome {
        Outcome(description) { scene in
            let config = try await scene.addRotatable(key: key)
            for (fault, call, times) in faults { scene.standIn.order(fault, for: call, times: times) }
            let rotation = try await scene.rotate(config: config).document
            try #require(rotation["state"].text == state, "\(rotation)")
        }
    }
}

extension Scene {
    /// One more config with its current key and its next one, each with a secret.
    fileprivate func addRotatable(upstream: String = Scene.upstream, key: String = "key", grace: String? = nil) async throws -> String {
        let id = UUID().uuidString.lowercased()
        let config = "c-\(id)"
        let current = Canary(key: "cur")
        standIn.addConfiguration(id: id, name: config, key: current.text)
        try await addConfig(config, id: id, upstream: upstream, grace: grace)
        try await stage(current, Canary(key: "sec"), for: config, "--as-current")
        try await stage(Canary(key: key), Canary(key: "sec"), for: config)
        return config
    }
}
