import FlashbackStandIn
import TestProcesses
import Testing

/// The same from the command line: the right exit status, a sentence on standard error, nothing on standard output, nothing changed.
@Suite(.timeLimit(.minutes(10))) struct `A bad command` {
    struct Row: Sendable {
        let words: String
        var input = ""
        let exit: Int32
        let code: String
        let names: String

        init(_ words: String, input: String = "", _ exit: Int32, _ code: String, names: String) {
            self.words = words
            self.input = input
            self.exit = exit
            self.code = code
            self.names = names
        }
    }

    static let long = String(repeating: "n", count: 64)

    static let rows: [Row] = [
        Row("rotate", 2, "usage", names: "--all-due"),
        Row("rotate \(long)", 2, "usage", names: "NAME"),
        Row("rotate UPPER", 2, "usage", names: "NAME"),
        Row("rotate missing", 1, "unknown-config", names: "missing"),
        Row("rotate openai-prod --all-due", 2, "usage", names: "--all-due"),
        Row("rotate --all-due --dry-run", 2, "usage", names: "--all-due"),
        Row("stage missing --stdin", input: "key", 1, "unknown-config", names: "missing"),
        Row("stage openai-prod --stdin", input: "", 2, "usage", names: "empty"),
        Row("stage openai-prod --stdin", input: "\n", 2, "usage", names: "empty"),
        Row("stage openai-prod --stdin", input: "one\ntwo\n", 2, "usage", names: "one line"),
        Row("stage openai-prod --stdin", input: "one\r\ntwo", 2, "usage", names: "one line"),
        Row("stage openai-prod --stdin", input: "a\u{7}b", 2, "bad-request", names: "control character"),
        Row("stage openai-prod --stdin", input: #"{"key":""}"#, 2, "usage", names: "'key'"),
        Row("stage openai-prod --stdin", input: #"{"token":"x"}"#, 2, "usage", names: "field"),
        Row("stage openai-prod --stdin", input: #"{"key":"x""#, 2, "usage", names: "JSON"),
        Row("stage openai-prod --stdin", input: #"{"key":"x","key":"y"}"#, 2, "usage", names: "JSON"),
        Row("stage openai-prod --stdin --file x", 2, "usage", names: "--stdin and --file"),
        Row("stage openai-prod --file /nonexistent", 2, "usage", names: "/nonexistent"),
        Row("stage openai-prod --sealed /nonexistent", 2, "usage", names: "/nonexistent"),
        Row("stage openai-prod", 2, "usage", names: "terminal"),
        Row("stage openai-prod --stdin --as-current", input: "another", 2, "bad-request", names: "current version already"),
        Row("stage openai-prod --stdin --intake-key AAAA", input: "x", 2, "usage", names: "--intake-key"),
        Row("config set new --upstream fb", 2, "usage", names: "--id"),
        Row("config set new --upstream fb --id .. --ai-type OPENAI", 2, "usage", names: "--id"),
        Row("config set new --upstream fb --id x --ai-type COBOL", 2, "usage", names: "--ai-type"),
        Row("config set new --upstream nowhere --id x --ai-type OPENAI", 1, "unknown-upstream", names: "nowhere"),
        Row("config set new --upstream fb --id \(Scene.remoteID) --ai-type OPENAI", 1, "already-bound", names: Scene.config),
        Row("config set openai-prod --every soon", 2, "usage", names: "--every"),
        Row("config set openai-prod --every 30x", 2, "usage", names: "--every"),
        Row("config set openai-prod --every 11y", 2, "usage", names: "--every"),
        Row("config set openai-prod --every 59s", 2, "bad-request", names: "every_seconds"),
        Row("config set openai-prod --grace 31d", 2, "bad-request", names: "grace_seconds"),
        Row("config set openai-prod --grace -1", 2, "usage", names: "--grace"),
        Row("config set openai-prod --field both", 2, "usage", names: "--field"),
        Row("config show missing", 1, "unknown-config", names: "missing"),
        Row("config remove missing --yes", 1, "unknown-config", names: "missing"),
        Row("config undelete openai-prod", 2, "bad-request", names: "not removed"),
        Row("config list --state broken", 2, "usage", names: "--state"),
        Row("upstream set new --base-url nonsense", 2, "usage", names: "--base-url"),
        Row("upstream set new --base-url http://backend.example.com", 2, "usage", names: "--base-url"),
        Row("upstream set new --base-url http://backend.example.com --allow-plain-http", 2, "usage", names: "--base-url"),
        Row("upstream set new --base-url https://user@backend.example.com", 2, "usage", names: "--base-url"),
        Row("upstream set new", 2, "usage", names: "--base-url"),
        Row("upstream set fb --pin abc", 2, "usage", names: "--pin"),
        Row("upstream set fb --ca-file /nonexistent", 2, "usage", names: "/nonexistent"),
        Row("upstream set fb --token-stdin", input: "", 2, "usage", names: "empty"),
        Row("upstream set fb --token-stdin", input: "two words", 2, "bad-request", names: "access_token"),
        Row("upstream set fb --token-stdin --refresh-token-stdin", input: "x", 2, "usage", names: "--token-stdin"),
        Row("upstream remove fb --yes", 1, "upstream-in-use", names: "fb"),
        Row("upstream show missing", 1, "unknown-upstream", names: "missing"),
        Row("versions missing", 1, "unknown-config", names: "missing"),
        Row("discard openai-prod 99 --yes", 1, "unknown-version", names: "99"),
        Row("discard openai-prod 0 --yes", 2, "usage", names: "VERSION"),
        Row("discard openai-prod two --yes", 2, "usage", names: "VERSION"),
        Row("rollback openai-prod", 1, "unknown-version", names: "previous"),
        Row("prove missing", 1, "unknown-config", names: "missing"),
        Row("remote openai-prod", 2, "usage", names: "--endpoint"),
        Row("history missing", 1, "unknown-config", names: "missing"),
        Row("history --rotation nonsense", 2, "usage", names: "ROTATION"),
        Row("history --limit 0", 2, "usage", names: "--limit"),
        Row("resolve 01ARZ3NDEKTSV4RRFFQ69G5FAV --retry", 1, "unknown-rotation", names: "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        Row("resolve 01ARZ3NDEKTSV4RRFFQ69G5FAV", 2, "usage", names: "--retry"),
        Row("cancel 01ARZ3NDEKTSV4RRFFQ69G5FAV", 1, "unknown-rotation", names: "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        Row("pause openai-prod --until yesterday", 2, "usage", names: "--until"),
        Row("watch missing", 1, "unknown-config", names: "missing"),
        Row("audit --since yesterday", 2, "usage", names: "--since"),
        Row("encrypt --to AAAA --for openai-prod", input: "x", 2, "usage", names: "--to"),
        Row("nonsense", 2, "usage", names: ""),
        Row("rotate openai-prod --nonsense", 2, "usage", names: "--nonsense"),
    ]

    @Test(arguments: [0, 1, 2, 3]) func `names what is wrong, and changes nothing`(_ quarter: Int) async throws {
        try await Scene.with { scene in
            let before = try await scene.everything()
            for (index, row) in Self.rows.enumerated() where index % 4 == quarter {
                let run = try await scene.keyturn.keyturn(row.words.split(separator: " ").map(String.init) + ["--json"], input: row.input)
                #expect(run.status == row.exit, "\(row.words): \(run.errors)")
                #expect(run.output.isEmpty, "\(row.words)")
                let problem = try? run.problem
                #expect(problem?.code == row.code, "\(row.words): \(run.errors)")
                let said = [problem?["detail"].text, problem?["next_step"].text].compactMap { $0 }.joined(separator: " ")
                #expect(row.names.isEmpty || said.contains(row.names), "\(row.words): \(said)")
            }
            #expect(try await scene.everything() == before)
            #expect(scene.standIn.count(of: .put) == 0)
        }
    }

    @Test func `for people it is one line, with what to try`() async throws {
        try await Scene.with { scene in
            let run = try await scene.keyturn.keyturn("rotate", "missing")
            #expect(run.status == 1 && run.output.isEmpty)
            let lines = run.errors.split(separator: "\n")
            #expect(lines.count <= 2 && lines.first?.hasPrefix("keyturn: ") == true)
        }
    }
}
