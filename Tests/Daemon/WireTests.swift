import FlashbackStandIn
import Foundation
import Glibc
import TestProcesses
import Testing

/// What a daemon that has secrets lets out by any of its ways. `Scene` searches files, socket and process list at the end of each test.
@Suite(.timeLimit(.minutes(10))) struct `What comes out of a daemon` {
    private static let setting = Scene.Setting { $0.hasSecrets = true }

    /// One rotation that succeeds, one that the backend refuses and quotes, and one that needs somebody.
    private static func fill(_ scene: Scene) async throws {
        try await scene.done(["rotate", Scene.config])
        for faults in [[Fault.echoKey], [.statusAfterEffect(500), .status(403)]] {
            try await scene.stage(Canary(key: "key"), Canary(key: "sec"))
            for fault in faults { scene.standIn.order(fault, for: .put) }
            #expect(try await scene.rotate().status == 1)
        }
    }

    /// All calls of the published description, with names that are there, that are not, and that are a secret pasted into the wrong place.
    @Test func `in answer to any call, well or badly made, is no secret, neither theirs nor the caller's own`() async throws {
        try await Scene.with(Self.setting) { scene in
            try await Self.fill(scene)
            let pasted = Canary(key: "oops")
            let search = { CanarySearch([pasted]).findings(in: $0) + scene.search.findings(in: $0) }
            let description = try await scene.keyturn.call("GET", "/openapi.yaml")
            let calls = Self.calls(in: description.body)
            try #require(calls.count > 30)
            let rotation = try await scene.keyturn.keyturn("history", "--json").document["items"].items.first?["id"].text ?? ""
            let escaped = pasted.text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            let bodies = [nil, "{}", #"{"key":\#(quoted(pasted.text))}"#, #"{"reason":7,"encrypted_value":\#(quoted(pasted.text))}"#, "{"]
            var statuses: Set<Int> = []
            // What seals comes last; after that all is asked for once more.
            let ordered = calls.filter { $0.method == "GET" } + calls.filter { $0.method != "GET" && $0.path != "/v1/seal" }
            for (method, path) in ordered + [("POST", "/v1/seal")] + calls where path != "/v1/events" {
                for (name, id) in [(Scene.config, rotation), ("nothing", rotation), (escaped, escaped)] {
                    let target = path.replacing("{name}", with: name).replacing("{id}", with: id).replacing("{version}", with: "2")
                    for body in method == "GET" ? [nil] : bodies {
                        // Straight to the daemon: what goes in is no finding.
                        let reply = try await RawCall.send(method, target, body: body, to: scene.keyturn.socket)
                        statuses.insert(reply.status)
                        let shown = "\(reply.headers)\n\(reply.body)"
                        #expect(search(["the answer to \(method) \(path)": Array(shown.utf8)]) == [])
                    }
                }
            }
            #expect(statuses.isSuperset(of: [200, 400, 404, 409, 503]), "\(statuses)")
            #expect(search(["the log": Array(scene.keyturn.log.utf8)]) == [])
        }
    }

    private static func calls(in description: String) -> [(method: String, path: String)] {
        var path = ""
        return description.split(separator: "\n").compactMap { line in
            if let found = line.wholeMatch(of: #/  (\/[^:]*):/#) { path = String(found.1) }
            return line.wholeMatch(of: #/    (get|put|post|patch|delete):/#).map { ($0.1.uppercased(), path) }
        }
    }

    /// Each level leaves out some of what the one before says, in both forms.
    @Test(
        arguments: ["trace", "trace", "debug", "info", "notice", "warning", "error", "critical"].enumerated().map {
            ($1, $0 == 0 ? "json" : "text")
        })
    func `by its log, whatever the level, is no secret`(_ level: String, _ format: String) async throws {
        try await Scene.with(Self.setting) { scene in
            try await scene.keyturn.terminate()
            let logging = Surroundings { $0.environment = ["KEYTURN_LOG_LEVEL": level, "KEYTURN_LOG_FORMAT": format] }
            try await scene.keyturn.start(in: logging)
            try await Self.fill(scene)
            #expect(scene.keyturn.log.contains("rotation.") || ["error", "critical"].contains(level))
        }
    }

    @Test func `by events, metrics, audit log, backup and status is no secret`() async throws {
        try await Scene.with(Self.setting) { scene in
            let watch = try scene.keyturn.begin(["watch", "--json"])
            try await scene.until("the stream is open") {
                try await scene.keyturn.keyturn("pause", Scene.config).status == 0 && watch.outputSoFar.contains("config.paused")
            }
            try await scene.done(["resume", Scene.config])
            try await Self.fill(scene)
            try await scene.until("the stream has it all") { watch.outputSoFar.contains("rotation.stuck") }
            watch.process.send(SIGTERM)
            _ = try await watch.result()
            let export = "\(scene.keyturn.folder.path)/the.backup"
            for command in [["audit", "--json"], ["audit"], ["backup", export], ["history", "--json"], ["config", "list", "--json"]] {
                try await scene.done(command)
            }
            let metrics = try await scene.keyturn.call("GET", "/metrics")
            #expect(metrics.status == 200 && metrics.body.contains("keyturn_"))
            #expect(scene.keyturn.folder.files()["the.backup"]?.isEmpty == false)
        }
    }

    @Test(.enabled(if: CallTrace.isPossible, "\(CallTrace.whyNot)"))
    func `by any call that writes is no secret, to whatever it writes`() async throws {
        try await Scene.with(Self.setting) { scene in
            let trace = try await CallTrace(of: try #require(scene.keyturn.daemon), in: scene.keyturn.folder)
            let staged = Canary(key: "key")
            try await scene.done(["rotate", Scene.config])
            try await scene.stage(staged, Canary(key: "sec"))
            scene.standIn.order(.echoKey, for: .put)
            #expect(try await scene.rotate().status == 1)
            try await scene.done(["rollback", Scene.config])
            try await scene.done(["backup", "\(scene.keyturn.folder.path)/the.backup"])
            try await scene.done(["rekey"])
            let written = try await trace.written()
            #expect(scene.search.findings(in: ["a call": written]) == [])
            for seen in ["rotation.succeeded", "HTTP/1.1 200 OK", "\u{17}\u{3}\u{3}"] {
                #expect(Data(written).range(of: Data(seen.utf8)) != nil, "what is no secret is found: \(seen)")
            }
        }
    }
}

@Suite(.timeLimit(.minutes(10))) struct `A core dump` {
    /// Whether one is written here, into the folder of who ends so.
    private static let isPossible: Bool = {
        let pattern = (try? String(contentsOfFile: "/proc/sys/kernel/core_pattern", encoding: .utf8)) ?? ""
        return geteuid() == 0 && !pattern.hasPrefix("|") && !pattern.contains("/")
    }()

    @Test(.enabled(if: isPossible, "skipped: takes root, and a kernel that writes core dumps into the folder of the process"))
    func `of the daemon is not made, even where the limits that it starts with allow it`() async throws {
        try await Scene.with { scene in
            let folder = scene.keyturn.folder
            let other = try ChildProcess(
                "/bin/sh", ["-c", "cd '\(folder.path)' && ulimit -c unlimited && kill -ABRT $$"], environment: [:],
                output: "/dev/null", errors: "/dev/null")
            #expect(try await other.ended() == .signalled(SIGABRT))
            #expect(other.leftCore, "another program's is made")
            for signal in [SIGABRT, SIGSEGV] {
                try await scene.keyturn.terminate()
                try await scene.keyturn.start(
                    in: Surroundings {
                        $0.mayLeaveCore = true
                        // As the units have it: else the Swift runtime looks at what crashed, for minutes.
                        $0.environment["SWIFT_BACKTRACE"] = "enable=no"
                    })
                let daemon = try #require(scene.keyturn.daemon)
                daemon.send(signal)
                #expect(try await daemon.ended() == .signalled(signal))
                #expect(!daemon.leftCore)
            }
        }
    }

    private static let gdb = "/usr/bin/gdb"

    /// As a debugger makes it, which leaves out what the kernel would leave out.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: gdb) && geteuid() == 0, "skipped: takes gdb and root"))
    func `that root makes of the daemon has no secret in it`() async throws {
        try await Scene.with(.init { $0.hasSecrets = true }) { scene in
            try await scene.done(["rotate", Scene.config])
            let daemon = try #require(scene.keyturn.daemon)
            var keys = VaultKeys()
            try await keys.add(of: scene.keyturn)
            let (file, log) = ("\(scene.keyturn.folder.path)/core", "\(scene.keyturn.folder.path)/gdb.log")
            let dump = try ChildProcess(
                Self.gdb, ["-nx", "-batch", "-readnever", "-p", String(daemon.pid), "-ex", "gcore \(file)"],
                environment: Programs.environment, output: log, errors: log)
            #expect(try await dump.ended(within: .seconds(120)) == .exited(0))
            let core = try #require(scene.keyturn.folder.files()["core"])
            #expect(scene.search(keys: keys.bytes).findings(in: ["the core dump": core]) == [])
            #expect(CanarySearch([Canary(text: Scene.remoteID)]).findings(in: ["the core dump": core]) != [], "what is no secret is found")
        }
    }
}
