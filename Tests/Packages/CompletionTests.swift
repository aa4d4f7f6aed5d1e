import FakeDaemon
import Foundation
import TestProcesses
import Testing

@Suite(.timeLimit(.minutes(2))) struct `Completions` {
    private static let shells = ["bash", "zsh", "fish"]

    @Test(arguments: shells.filter(isThere))
    func `know the commands and the names of the configs`(_ shell: String) async throws {
        try await FakeDaemon.serving(Self.answer) { daemon in
            let rotate = try await Self.completions(of: "keyturn rotat", in: shell, socket: daemon.socketPath)
            #expect(rotate.words == ["rotate"])
            let configs = try await Self.completions(of: "keyturn rotate ", in: shell, socket: daemon.socketPath)
            #expect(configs.words.isSuperset(of: ["openai-prod", "openai-test", "shop"]), "\(configs)")
            #expect(!configs.words.contains("NAME"))
            let openai = try await Self.completions(of: "keyturn config show open", in: shell, socket: daemon.socketPath)
            #expect(openai.words == ["openai-prod", "openai-test"])
            #expect([rotate, configs, openai].allSatisfy { $0.errors.isEmpty }, "\(configs.errors)")
        }
    }

    @Test(arguments: shells.filter(isThere)) func `say nothing when the daemon is away`(_ shell: String) async throws {
        let none = try await Self.completions(of: "keyturn config show ", in: shell, socket: "/nonexistent/s")
        #expect(none.words.isEmpty && none.errors.isEmpty, "\(none)")
    }

    private static func isThere(_ shell: String) -> Bool {
        ["/bin", "/usr/bin"].contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(shell)") }
    }

    private static func answer(_ request: FakeDaemon.Request) -> FakeDaemon.Reply {
        let configs = ["openai-prod", "openai-test", "shop"].map { name in
            """
            {"name":"\(name)","upstream":"fb","remote_id":"r1","ai_type":"OPENAI","field":"key","state":"ok","grace_seconds":3600,"prove":true,\
            "paused":false,"staged_versions":0,"versions":[],"created_at":"2026-11-24T00:00:00Z"}
            """
        }
        return .json(200, #"{"items":[\#(configs.joined(separator: ","))],"next":null}"#)
    }

    /// What the shell offers after a line was typed, and what it said meanwhile.
    private static func completions(of line: String, in shell: String, socket: String) async throws -> (words: Set<String>, errors: String)
    {
        let folder = try PrivateFolder()
        defer { folder.remove() }
        let script = try await run(Programs.keyturn, ["--generate-completion-script", shell]).output
        try folder.file("_keyturn", Array(script.utf8))
        let file = try folder.file("ask", Array((asking[shell] ?? "").utf8))
        let answer = try await run(
            "/usr/bin/env", [shell, file], environment: ["KEYTURN_SOCKET": socket, "FOLDER": folder.path, "LINE": line, "TERM": "dumb"])
        let found = answer.output.split(separator: "\n").map { String($0.prefix { $0 != "\t" }).trimmingCharacters(in: .whitespaces) }
        return (Set(found.filter { !$0.isEmpty && !$0.hasPrefix("-") }), answer.errors)
    }

    /// Scripts that let a shell complete `$LINE`, a word of its answer a line.
    private static let asking = [
        "bash": """
        . "$FOLDER/_keyturn"
        COMP_LINE=$LINE COMP_POINT=${#LINE}
        read -ra COMP_WORDS <<<"$LINE"
        case $LINE in *' ') COMP_WORDS+=("");; esac
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _keyturn keyturn "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\\n' "${COMPREPLY[@]}"
        """,
        "fish": """
        source "$FOLDER/_keyturn"
        complete --do-complete "$LINE"
        """,
        // It completes in its line editor only: another one is typed into, over a pseudo-terminal, and tells what it would add.
        "zsh": #"""
        cat >$FOLDER/typed-into <<'E'
        PS1=
        fpath=($FOLDER $fpath)
        autoload -U compinit && compinit -u -D
        bindkey '^I' complete-word
        compadd() {
            [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]] && { builtin compadd "$@"; return }
            local -a hits
            builtin compadd -A hits "$@"
            print -l -- $hits >>$FOLDER/words
            builtin compadd "$@"
        }
        comppostfuncs=(exit)
        E
        zmodload zsh/zpty
        zpty typed zsh -f -i
        zpty -w typed "source $FOLDER/typed-into"
        zpty -w -n typed "$LINE"$'\t'
        while zpty -r typed shown; do [[ $shown == *reached* ]] && print -u2 -r -- $shown; done
        cat $FOLDER/words 2>/dev/null
        """#,
    ]
}
