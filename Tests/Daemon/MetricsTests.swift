import FlashbackStandIn
import Foundation
import TestProcesses
import Testing

@Suite(.timeLimit(.minutes(10))) struct `The metrics` {
    private static func metrics(_ scene: Scene) async throws -> Exposition {
        let reply = try await scene.keyturn.call("GET", "/metrics")
        try #require(reply.status == 200, "\(reply.body)")
        #expect(reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        return try Exposition(reply.body)
    }

    /// Figures may be a second old.
    private static func metrics(_ scene: Scene, until what: String, _ isSo: (Exposition) -> Bool) async throws -> Exposition {
        var latest: Exposition?
        try await scene.until(what) {
            let metrics = try await metrics(scene)
            latest = metrics
            return isSo(metrics)
        }
        return try #require(latest)
    }

    @Test func `tell what became of each config and of each request`() async throws {
        try await Scene.with { scene in
            scene.standIn.addConfiguration(id: "second", name: "second", key: "something")
            try await scene.addConfig("second", id: "second")
            try await scene.stage(Canary(key: "key"), for: "second", "--as-current")
            try await scene.stage(Canary(key: "bad"), for: "second")
            try await scene.done(["config", "set", Scene.config, "--every", "30d"])
            let begin = Date().timeIntervalSince1970
            #expect(try await scene.rotate().status == 0)
            #expect(try await scene.rotate(config: "second").status == 1)
            let metrics = try await Self.metrics(scene, until: "the second one has failed") {
                $0.value("keyturn_config_state", ["config": "second", "state": "failed"]) == 1
            }

            #expect(metrics.value("keyturn_sealed") == 0 && metrics.value("keyturn_build_info") == 1)
            let (first, second) = (["config": Scene.config], ["config": "second"])
            #expect(
                metrics.value("keyturn_config_info", first.merging(["upstream": "fb", "ai_type": "OPENAI", "source": "staging"]) { $1 })
                    == 1)
            #expect(metrics.value("keyturn_config_state", first.merging(["state": "ok"]) { $1 }) == 1)
            #expect(metrics.value("keyturn_config_state", first.merging(["state": "failed"]) { $1 }) == 0)
            #expect(metrics.value("keyturn_rotations_total", first.merging(["result": "succeeded"]) { $1 }) == 1)
            #expect(metrics.value("keyturn_rotations_total", second.merging(["result": "rejected"]) { $1 }) == 1)
            #expect(metrics.value("keyturn_rotations_total", second.merging(["result": "succeeded"]) { $1 }) == 0)
            let rotated = try #require(metrics.value("keyturn_config_last_rotation_timestamp_seconds", first))
            #expect(rotated >= begin - 1 && rotated <= Date().timeIntervalSince1970 + 1)
            #expect(metrics.value("keyturn_config_last_rotation_timestamp_seconds", second) == nil, "adopting a key is no rotation")
            let due = try #require(metrics.value("keyturn_config_next_due_timestamp_seconds", first))
            #expect(abs(due - rotated - 30 * 86_400) < 1)
            #expect(metrics.value("keyturn_config_next_due_timestamp_seconds", second) == nil)
            #expect(try #require(metrics.value("keyturn_config_current_version_created_timestamp_seconds", first)) <= rotated)
            #expect(metrics.value("keyturn_config_staged_versions", second) == 0)

            let puts = try #require(metrics.value("keyturn_upstream_requests_total", ["method": "PUT", "outcome": "ok"]))
            #expect(puts == Double(scene.standIn.count(of: .put)), "all that went out, and each once")
            let all = metrics.samples.filter { $0.name == "keyturn_upstream_requests_total" }.map(\.value).reduce(0, +)
            #expect(metrics.value("keyturn_upstream_request_duration_seconds_count", ["upstream": "fb"]) == all)
            // One rotation put and proved; the other put, proved, put the old one back and proved that.
            #expect(metrics.value("keyturn_rotation_duration_seconds_count", ["phase": "apply"]) == 3)
            #expect(metrics.value("keyturn_rotation_duration_seconds_count", ["phase": "prove"]) == 3)

            let rotate = ["route": "/v1/configs/{name}/rotate"]
            #expect(metrics.value("keyturn_http_requests_total", rotate.merging(["code": "200"]) { $1 }) == 1)
            #expect(metrics.value("keyturn_http_requests_total", rotate.merging(["code": "422"]) { $1 }) == 1)
            // All but the first, which is of the vault's making.
            #expect(metrics.value("keyturn_audit_entries_total") == Double(try await scene.audit().count - 2))
            #expect(metrics.value("keyturn_audit_failures_total") == 0)
            #expect(try #require(metrics.value("keyturn_vault_size_bytes")) > 4096)
            #expect(try #require(metrics.value("keyturn_vault_free_bytes")) > 0)
            #expect(abs(try #require(metrics.value("process_start_time_seconds")) - begin) < 120)
            #expect(try #require(metrics.value("process_resident_memory_bytes")) > 1_048_576)
            #expect(try #require(metrics.value("process_open_fds")) > 3)

            #expect(metrics.value("keyturn_last_backup_timestamp_seconds") == nil)
            try await scene.done(["backup", "\(scene.keyturn.folder.path)/copy"])
            _ = try await Self.metrics(scene, until: "the backup shows") {
                ($0.value("keyturn_last_backup_timestamp_seconds") ?? 0) >= begin - 1
            }
        }
    }

    @Test func `name no config that was removed, and none while the vault is sealed`() async throws {
        try await Scene.with { scene in
            #expect(try await Self.metrics(scene).value("keyturn_config_info") == 1)
            let well = try await scene.keyturn.keyturn("check", "--backup-age", "0")
            #expect(well.status == 0 && well.output.hasPrefix("KEYTURN OK - 1 config | configs=1;;;0 "), "\(well.output)")
            try await scene.done(["config", "remove", Scene.config, "--yes"])
            let removed = try await Self.metrics(scene, until: "it is gone") { $0.value("keyturn_config_info") == nil }
            #expect(!removed.samples.contains { $0.labels["config"] != nil })
            try await scene.done(["seal"])
            let sealed = try await Self.metrics(scene, until: "it is sealed") { $0.value("keyturn_sealed") == 1 }
            let check = try await scene.keyturn.keyturn("check")
            #expect(check.status == 2 && check.output == "KEYTURN CRITICAL - the vault is sealed (sealed)\n", "\(check.output)")
            #expect(!sealed.samples.contains { $0.labels["config"] != nil || $0.labels["upstream"] != nil })
            #expect(sealed.families.keys.contains("keyturn_config_state"), "the families are always the same")
        }
    }

    @Test(.enabled(if: getuid() == 0, "skipped: the rules are about root"))
    func `count the rights that were asked for in vain, and want one themselves`() async throws {
        let rules = "rules: [{name: some, who: {uid: 0}, configs: ['*'], may: [RIGHTS]}]"
        try await Scene.with { scene in
            let keyturn = scene.keyturn
            try await keyturn.terminate()
            try keyturn.folder.file("policy.yaml", Array(rules.replacing("RIGHTS", with: "status").utf8))
            try await keyturn.start()
            // What it has no right on at all does not even exist to it: that counts, too.
            for _ in 1...2 { #expect(try await scene.rotate().status != 0) }
            let metrics = try await Self.metrics(scene)
            #expect(metrics.value("keyturn_denied_requests_total", ["right": "rotate"]) == 2)
            #expect(metrics.value("keyturn_denied_requests_total", ["right": "admin"]) == 0)
            try keyturn.folder.file("policy.yaml", Array(rules.replacing("RIGHTS", with: "read, rotate").utf8))
            try await keyturn.terminate()
            try await keyturn.start()
            #expect(try await keyturn.call("GET", "/metrics").status == 403)
        }
    }

    @Test func `are those of the page on monitoring, and the alerts use no other`() async throws {
        let docs = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs").standardizedFileURL
        func text(_ name: String) throws -> String { try String(contentsOf: docs.appending(path: name), encoding: .utf8) }
        let names = #/`((?:keyturn|process)_[a-z_]+)`/#
        let rows = try text("monitoring.md").split(separator: "\n").filter { $0.hasPrefix("| `keyturn_") || $0.hasPrefix("| `process_") }
        let documented = Set(rows.flatMap { $0.matches(of: names).map { String($0.1) } })
        try await Scene.with { scene in
            let metrics = try await Self.metrics(scene)
            #expect(Set(metrics.families.keys) == documented)
            let alerts = try text("examples/alerts.yaml")
            let operations = try text("operations.md")
            for name in alerts.matches(of: #/alert: (\w+)/#).map({ String($0.1) }) { #expect(operations.contains("| `\(name)` |")) }
            let used = Set(alerts.matches(of: #/\bkeyturn_[a-z_]+/#).map { String($0.0) })
            #expect(used.count > 8 && used.isSubset(of: documented), "\(used.subtracting(documented))")
            let states = Set(metrics.samples.compactMap { $0.name == "keyturn_config_state" ? $0.labels["state"] : nil })
            #expect(Set(alerts.matches(of: #/state="([a-z]+)"/#).map { String($0.1) }).isSubset(of: states))
            let named = Set(alerts.matches(of: #/alert: ([A-Za-z]+)/#).map { String($0.1) })
            #expect(Set(try text("monitoring.md").matches(of: #/\| `(Keyturn[A-Za-z]+)` \|/#).map { String($0.1) }) == named)
        }
    }

    @Test func `count requests by what HTTP tells of them`() async throws {
        var setting = Scene.Setting()
        setting.settings = setting.settings.replacing("cycle: 500ms", with: "cycle: 60s")
        try await Scene.with(setting) { scene in
            scene.standIn.order(.status(429), for: .put)
            scene.standIn.order(.status(503), for: .put)
            #expect(try await scene.rotate().status == 0)
            let metrics = try await Self.metrics(scene)
            for outcome in ["rate_limited", "unknown", "ok"] {
                #expect(metrics.value("keyturn_upstream_requests_total", ["method": "PUT", "outcome": outcome]) == 1, "\(outcome)")
            }
        }
    }
}

@Suite(.timeLimit(.minutes(10))) struct `Health` {
    @Test func `is not well while the vault's thread hangs`() async throws {
        try await Installation.with { keyturn in
            try await keyturn.initialise()
            let file = try keyturn.folder.file("hang", [UInt8(ascii: "n")])
            func hang(_ what: Character) throws {
                let handle = try FileHandle(forWritingTo: URL(filePath: file))
                try handle.write(contentsOf: Data("\(what)".utf8))
                try handle.close()
            }
            try await keyturn.start(
                in: Surroundings {
                    $0.faults = Faults(prefix: keyturn.vault)
                    $0.faults?.hang = file
                })
            #expect(try await keyturn.call("GET", "/healthz").status == 200)
            try hang("s")
            let sealing = try keyturn.begin(["seal"])
            // Whether it has got so far can only be seen by this.
            var health: RawCall.Reply
            repeat { health = try await keyturn.call("GET", "/healthz") } while health.status == 200
            #expect(try health.status == 503 && health.document["status"].text == "hangs")
            try hang("n")
            #expect(try await sealing.result().status == 0)
            #expect(try await keyturn.call("GET", "/healthz").status == 200, "sealed, but alive")
            #expect(try await keyturn.call("GET", "/readyz").status == 503)
        }
    }
}

@Suite(.timeLimit(.minutes(5))) struct `A socket that systemd hands over` {
    @Test(arguments: [("nonsense", "FileDescriptorName=keyturn"), ("metrics", "'metrics' is not a listening TCP socket of a loopback")])
    func `under a wrong name is refused, and named`(_ name: String, _ words: String) async throws {
        try await Installation.with { keyturn in
            try await keyturn.initialise()
            let listener = try ListeningDescriptor(path: keyturn.socket)
            defer { listener.close() }
            let daemon = try keyturn.launch(
                in: Surroundings {
                    $0.listener = listener.descriptor
                    $0.listenerName = name
                })
            #expect(try await daemon.ended() == .exited(78))
            #expect(keyturn.log.contains("'\(name)'") && keyturn.log.contains(words), "\(keyturn.log)")
        }
    }
}
