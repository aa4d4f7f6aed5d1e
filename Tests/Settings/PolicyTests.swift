import Access
import Foundation
import Glibc
import Model
import Settings
import Testing

@Suite struct `Reading the policy` {
    private static let good = """
        rules:
          - name: nightly timers
            who: { unit: "keyturn-rotate@*.service" }
            configs: ["*"]
            may: [rotate, read]
          - name: web team
            who: { group: root, uid: 33 }
            configs: ["web-*", shop]
            may: [read, stage]

        """

    private static func sources(_ folder: String) -> PolicySources { PolicySources(folder: folder, trusted: geteuid()) }

    @Test func `takes the rules of all files, each with its place`() throws {
        try withFolder(["policy.yaml": Self.good, "policy.d/60-mine.yaml": Self.good.replacing("name: ", with: "name: my ")]) { folder in
            let policy = try #require(try Self.sources(folder).read())
            #expect(policy.rules.map(\.name) == ["nightly timers", "web team", "my nightly timers", "my web team"])
            #expect(policy.rules[1].place == .init(path: folder + "/policy.yaml", line: 6))
            #expect(policy.rules[1].who == CallerPattern(uid: 33, gid: 0))
            #expect(policy.rules[1].rights == [.read, .stage] && policy.rules[1].configs.map(\.description) == ["web-*", "shop"])
        }
    }

    @Test func `finds none where there is no file`() throws {
        try withFolder([:]) { folder in
            let policy = try Self.sources(folder).read()
            #expect(policy == nil)
        }
    }

    @Test(
        arguments: [
            ("rules: []", nil),
            ("# nothing", ": The file must hold 'rules', a list; 'rules: []' is none."),
            ("rulez: []", ":1:1: There is no field 'rulez' here; did you mean 'rules'?"),
            ("rules: {}", ":1:8: The file must hold 'rules', a list; 'rules: []' is none."),
            ("rules: [1]", ":1:9: A rule must hold fields: 'name', 'who', 'configs', 'may'."),
            ("rules: [{name: a, who: {uid: 1}, configs: [\"*\"], may: [rotat]}]", "'may' must be one of status, read, rotate"),
            ("rules: [{name: a, who: {uid: 1}, configs: [\"*\"], may: []}]", "must have 'may', a list with at least one entry."),
            ("rules: [{name: a, who: {uid: 1}, configs: [\"UPPER\"], may: [read]}]", "'configs' must be 1 to 63 of a-z"),
            ("rules: [{name: a, who: {}, configs: [\"*\"], may: [read]}]", "'who' must have at least one of"),
            ("rules: [{name: a, configs: [\"*\"], may: [read]}]", "A rule must have 'who'"),
            ("rules: [{who: {uid: 1}, configs: [\"*\"], may: [read]}]", "A rule must have a 'name'"),
            ("rules: [{name: a, who: {exe: /bin/x}, configs: [\"*\"], may: [read]}]", "'who' has an unknown field"),
            ("rules: [{name: a, who: {uid: -1}, configs: [\"*\"], may: [read]}]", "'who.uid' must be a number"),
            (
                "rules: [{name: a, who: {user: no-such-user}, configs: [\"*\"], may: [read]}]",
                "'who.user' must be the name of a user that there is."
            ),
            ("rules: [{name: a, who: {uid: 0, user: root}, configs: [\"*\"], may: [read]}]", "'uid' or 'user', not both"),
            ("rules: [{name: a, who: {unit: \"*\"}, configs: [\"*\"], may: [read]}]", "'who.unit' must be the name of a system service"),
            ("rules: [{name: a, who: {uid: 1}, configs: [x], may: [status]}]", "'status' is asked for on '*' alone"),
            ("rules: [{name: a, name: b}]", "There more than once: 'name'."),
            ("rules: [", "This is not valid YAML"),
            (
                "rules: [{name: a, who: {uid: 1}, configs: [x], may: [read]}, {name: a, who: {uid: 1}, configs: [x], may: [read]}]",
                "There is a rule 'a' already, at "
            ),
        ] as [(String, String?)]) func `says what is wrong, and where`(_ text: String, _ complaint: String?) throws
    {
        try withFolder(["policy.yaml": text]) { folder in
            guard let complaint else {
                let policy = try Self.sources(folder).read()
                #expect(policy?.rules.isEmpty == true)
                return
            }
            let error = #expect(throws: SettingsErrors.self) { try Self.sources(folder).read() }
            let description = try #require(error?.description)
            #expect(description.hasPrefix(folder + "/policy.yaml:") && description.contains(complaint), "\(description)")
        }
    }

    /// Whoever can change it would decide who may do what.
    @Test func `refuses what others could have changed`() throws {
        try withFolder(["policy.yaml": Self.good, "policy.d/10-a.yaml": "rules: []"]) { folder in
            for path in ["/policy.yaml", "/policy.d/10-a.yaml", "/policy.d", ""] {
                let whole = folder + path
                var status = stat()
                #expect(stat(whole, &status) == 0)
                chmod(whole, status.st_mode | 0o020)
                let error = #expect(throws: SettingsErrors.self) { try Self.sources(folder).read() }
                #expect(error?.description.contains("\(whole): Others than its owner can change it.") == true, "\(path)")
                chmod(whole, status.st_mode & 0o755)
                let policy = try Self.sources(folder).read()
                #expect(policy != nil)
            }
        }
    }

    @Test(.enabled(if: geteuid() == 0, "skipped: giving a file to another user takes root"))
    func `refuses what belongs to somebody else`() throws {
        try withFolder(["policy.yaml": Self.good]) { folder in
            chown(folder + "/policy.yaml", 4711, 0)
            let error = #expect(throws: SettingsErrors.self) { try Self.sources(folder).read() }
            #expect(error?.description.contains("It belongs to uid 4711; a policy must belong to root.") == true)
            let policy = try PolicySources(folder: folder, trusted: 4711).read()
            #expect(policy != nil, "the daemon's own user is as good")
        }
    }

    @Test func `does not take what can't be read for nothing`() throws {
        try withFolder([:]) { folder in
            mkdir(folder + "/policy.yaml", 0o755)
            let error = #expect(throws: SettingsErrors.self) { try Self.sources(folder).read() }
            #expect(error?.description == "\(folder)/policy.yaml: It is not a regular file.")
        }
    }

    @Test func `that is shipped lets root do all, the timers rotate, and others nothing`() throws {
        let shipped = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../systemd/policy.yaml")
        try withFolder(["policy.yaml": try String(contentsOf: shipped, encoding: .utf8)]) { folder in
            let policy = try #require(try Self.sources(folder).read())
            let config = Scope.config(try ConfigName("openai-prod"))
            func rights(_ uid: UInt32, _ unit: String?) -> [Right] {
                let caller = Caller(CallerIdentity(uid: uid, gid: uid, groups: [], pid: 1, unit: unit), under: policy)
                return Right.allCases.filter { caller.may($0, on: config) }
            }
            #expect(rights(0, nil) == Right.allCases)
            for unit in ["keyturn-rotate.service", "keyturn-rotate@openai-prod.service"] {
                #expect(rights(61_234, unit) == [.read, .rotate], "\(unit)")
            }
            for unit in [nil, "keyturn-rotate.scope", "keyturn-rotatex.service", "my-keyturn-rotate.service"] {
                #expect(rights(61_234, unit) == [], "\(unit ?? "none")")
            }
        }
    }
}
