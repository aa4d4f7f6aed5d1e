import FlashbackStandIn
import TestProcesses
import Testing

/// One line of the rotation's table: what the backend does, and what comes of it.
struct RotationRow: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let faults: [(fault: Fault, call: Call, times: Int)]
    var setting = Scene.Setting()
    let expected: Expected

    struct Expected: Sendable {
        let exit: Int32
        let state: String
        /// The problem's code on standard error.
        var code: String?
        let versions: [Int: String]
        /// Which key the backend holds afterwards.
        let held: String
        var proof: String?
        var attempts: Int?
        /// How the audit log calls the end.
        let event: String
        var warns = false
        /// A part of the reason.
        var reason: String?
    }

    init(
        _ description: String, _ faults: [(fault: Fault, call: Call, times: Int)], _ setting: Scene.Setting = .init(), _ expected: Expected
    ) {
        testDescription = description
        self.faults = faults
        self.setting = setting
        self.expected = expected
    }

    /// The number of the version that is rotated to: the last one that was made.
    private var version: Int { expected.versions.keys.max() ?? 0 }

    func run() async throws {
        var setting = setting
        setting.hasSecrets = true
        try await Scene.with(setting) { scene in
            for (fault, call, times) in faults { scene.standIn.order(fault, for: call, times: times) }
            let run = try await scene.rotate("--reason", "the row's test")
            try await expect(run, scene)
        }
    }

    private func expect(_ run: CommandRun, _ scene: Scene) async throws {
        #expect(run.status == expected.exit, "\(run.errors)")
        let rotation = try run.document
        #expect(rotation["state"].text == expected.state)
        #expect(rotation["config"].text == Scene.config && rotation["kind"].text == "rotate")
        #expect(rotation["request_reason"].text == "the row's test")
        #expect(rotation["proof"].text == expected.proof)
        #expect(rotation["warnings"].items.isEmpty != expected.warns)
        if let attempts = expected.attempts { #expect(rotation["attempts"].number == attempts) }
        if let reason = expected.reason { #expect(rotation["reason"].text?.contains(reason) == true, "\(rotation["reason"])") }
        #expect(rotation["rotated"].bool == (expected.versions[version] == "current"))
        if let code = expected.code {
            #expect(try run.problem.code == code)
            #expect(try run.problem["next_step"].text != nil, "a failure says what to do")
            #expect(rotation["reason"].text != nil, "a failure says why")
        } else {
            #expect(run.errors.isEmpty, "\(run.errors)")
        }
        if expected.state == "waiting", expected.code != "upstream-auth" { #expect(rotation["next_try_at"].text != nil) }
        #expect(try await scene.versions() == expected.versions)
        #expect(scene.held == expected.held)
        try await expectAudit(scene)
        try await expectWithoutJSON(scene)
    }

    private func expectAudit(_ scene: Scene) async throws {
        let entries = try await scene.audit().filter { $0["rotation"].text != nil }
        let first = try #require(entries.first)
        #expect(first["event"].text == "rotation.requested" && first["caller"]["uid"].number != nil)
        let last = try #require(entries.last)
        #expect(last["event"].text == expected.event && last["config"].text == Scene.config && last["version"].number == version)
        #expect(last["outcome"].text == expected.state)
        #expect(Set(entries.compactMap { $0["rotation"].text }).count == 1)
    }

    /// `history` for people tells the same, and `status` warns where somebody has to act.
    private func expectWithoutJSON(_ scene: Scene) async throws {
        let history = try await scene.keyturn.keyturn("history", Scene.config)
        #expect(history.status == 0 && history.output.contains(expected.state))
        let status = try await scene.keyturn.keyturn("status", "--json")
        let needsSomebody = ["failed", "rejected", "stuck"].contains(expected.state)
        #expect(status.status == (needsSomebody ? 1 : 0))
    }
}
