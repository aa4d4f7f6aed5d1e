import Foundation
import TestProcesses
import Testing

@Suite(.timeLimit(.minutes(5))) struct `A policy in files` {
    private static let ofRoot = """
        rules:
          - name: root rotates
            who: { uid: 0 }
            configs: ["openai-*"]
            may: [read, rotate]
          - name: root sees
            who: { user: root }
            configs: ["*"]
            may: [status, audit]

        """

    @Test(.enabled(if: getuid() == 0, "skipped: the rules are about root"))
    func `decides what callers may do, and tells which rule did`() async throws {
        try await Scene.with { scene in
            let keyturn = scene.keyturn
            try await keyturn.terminate()
            try keyturn.folder.file("policy.yaml", Array(Self.ofRoot.utf8))
            try await keyturn.start()
            #expect(try await scene.rotate().status == 0 && scene.held == "new")
            let denied = try await keyturn.keyturn("config", "set", Scene.config, "--description", "mine", "--json")
            #expect(try denied.status == 3 && denied.problem.code == "not-allowed", "\(denied.errors)")
            #expect(try denied.problem["detail"].text?.contains("the right 'configure' on '\(Scene.config)'") == true)
            let seen = try await keyturn.keyturn("config", "show", "anthropic", "--json")
            #expect(try seen.problem.code == "not-allowed", "who has a right on it may know that it exists, or does not")
            let rules = try await keyturn.keyturn("whoami", "--json").document["rules"].items
            #expect(rules.map { $0["name"].text } == ["root rotates", "root sees"])
            let explained = try await keyturn.keyturn("policy", "explain", "--right", "rotate", "--config", Scene.config, "--json")
            #expect(try explained.status == 0 && explained.document["rule"]["name"].text == "root rotates", "\(explained.errors)")
            #expect(try explained.document["rule"]["file"].text == "\(keyturn.folder.path)/policy.yaml")
            let other = try await keyturn.keyturn(
                "policy", "explain", "--right", "rotate", "--config", Scene.config, "--uid", "4711", "--json")
            #expect(try other.status == 3 && other.document["allowed"].bool == false)
        }
    }

    @Test(.enabled(if: getuid() == 0, "skipped: the rules are about root"))
    func `is read again by a reload, and stays in force where the new one is wrong`() async throws {
        try await Scene.with { scene in
            let keyturn = scene.keyturn
            try keyturn.folder.file("policy.yaml", Array(Self.ofRoot.utf8))
            #expect(try await keyturn.keyturn("config", "set", Scene.config, "--description", "before the reload").status == 0)
            keyturn.daemon?.send(SIGHUP)
            try await scene.until("the policy is in force") {
                try await keyturn.keyturn("config", "set", Scene.config, "--description", "after it").status == 3
            }
            try keyturn.folder.file("policy.yaml", Array("rules: [{name: a}]".utf8))
            keyturn.daemon?.send(SIGHUP)
            try await scene.until("the refusal is in the log") { keyturn.log.contains("policy.yaml:1:9: A rule must have 'who'") }
            #expect(try await keyturn.keyturn("config", "set", Scene.config, "--description", "and still").status == 3)
            let status = try await keyturn.keyturn("status", "--json")
            #expect(try status.status == 1 && status.document["reload_refused"].text?.contains("policy.yaml:1:9") == true, "\(status)")
            #expect(try await scene.rotate().status == 0, "the one before is in force")
        }
    }

    @Test func `that is wrong keeps the daemon from starting, and is told by line`() async throws {
        try await Installation.with { keyturn in
            try await keyturn.initialise()
            let path = try keyturn.folder.file("policy.yaml", Array("rules:\n  - nonsense: 1\n".utf8))
            let daemon = try keyturn.launch()
            #expect(try await daemon.ended() == .exited(78))
            #expect(keyturn.log.contains("\(path):2:5: A rule has an unknown field"))
            let checked = try await keyturn.keyturn("policy", "check", path)
            #expect(checked.status == 1 && checked.errors.contains("\(path):2:5"), "\(checked.errors)")
            try keyturn.folder.file("policy.yaml", Array(Self.ofRoot.utf8))
            let fine = try await keyturn.keyturn("policy", "check", path)
            #expect(fine.status == 0 && fine.output.contains("2 rules"), "\(fine.output)")
        }
    }
}
