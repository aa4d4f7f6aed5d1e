import FakeDaemon
import Foundation
import Testing

@testable import keyturn

@Suite struct `Checking for a monitoring system` {
    /// The backup is of a time to come, so that it does not get too old.
    struct Case: Sendable, CustomTestStringConvertible {
        let configs: String
        var attention = ""
        var more = ""
        var backup = #""2999-01-01T00:00:00Z""#
        let status: Int32
        let line: String

        var testDescription: String { line }

        var document: String {
            """
            {"version":"0","sealed":false,"disk_full":false,"last_backup_at":\(backup),"configs":\(configs),"upstreams":1,\
            "attention":[\(attention)],"bearers_lost":[],"slots":{"credential":1}\(more)}
            """
        }
    }

    private static func attention(_ config: String, _ state: String) -> String {
        #"{"config":"\#(config)","state":"\#(state)","reason":"a | b","next_step":null}"#
    }

    private static let cases = [
        Case(configs: #"{"ok":3}"#, status: 0, line: "KEYTURN OK - 3 configs"),
        Case(configs: #"{"ok":1,"running":1,"paused":1}"#, status: 0, line: "KEYTURN OK - 3 configs"),
        Case(configs: #"{"waiting":1}"#, attention: attention("a", "waiting"), status: 1, line: "KEYTURN WARNING - 1 waiting (a)"),
        Case(configs: #"{"ok":1}"#, attention: attention("a", "ok"), status: 1, line: "KEYTURN WARNING - 1 to look at (a)"),
        Case(configs: "{}", backup: "null", status: 1, line: "KEYTURN WARNING - no backup yet"),
        Case(configs: "{}", backup: #""2001-01-01T00:00:00Z""#, status: 1, line: "KEYTURN WARNING - the last backup is "),
        Case(
            configs: #"{"overdue":7,"stuck":1,"waiting":1}"#,
            attention: (["a", "b", "c", "d", "e", "f", "g"].map { attention($0, "overdue") } + [
                attention("h", "stuck"), attention("i", "waiting"),
            ])
            .joined(separator: ","),
            status: 2, line: "KEYTURN CRITICAL - 1 stuck (h), 7 overdue (a b c d e and 2 more), 1 waiting (i)"),
        Case(configs: #"{"failed":1}"#, attention: attention("a", "failed"), status: 2, line: "KEYTURN CRITICAL - 1 failed (a)"),
    ]

    @Test(arguments: cases) func `says in one line what there is, with figures, and ends by it`(_ wanted: Case) async throws {
        try await FakeDaemon.serving({ _ in .json(200, wanted.document) }) { fake in
            let ran = await keyturn("check", at: fake.socketPath)
            #expect(ran.status.rawValue == wanted.status)
            #expect(ran.errors == "" && ran.output.split(separator: "\n", omittingEmptySubsequences: false).count == 2, "one line")
            let parts = ran.output.components(separatedBy: " | ")
            #expect(parts.count == 2 && parts[0].hasPrefix(wanted.line), "\(ran.output)")
            let figures = try #require(parts.last).split(whereSeparator: \.isWhitespace)
            #expect(figures.count >= 9, "\(ran.output)")
            #expect(figures.allSatisfy { $0.wholeMatch(of: #/[a-z_]+=[0-9]+s?;[0-9]*;[0-9]*;0/#) != nil }, "\(ran.output)")
        }
    }

    @Test func `lets the age of backups be set, or asks for none`() async throws {
        let old = Case(configs: "{}", backup: #""2001-01-01T00:00:00Z""#, status: 0, line: "")
        try await FakeDaemon.serving({ _ in .json(200, old.document) }) { fake in
            #expect(await keyturn("check", "--backup-age", "0", at: fake.socketPath).status == .done)
            #expect(await keyturn("check", "--backup-age", "3650d", at: fake.socketPath).status.rawValue == 1)
        }
    }

    @Test func `tells a sealed vault, and a daemon that is not there, as critical`() async throws {
        let sealed = Case(configs: "{}", more: "", status: 2, line: "").document.replacing(
            #""sealed":false"#, with: #""sealed":true,"sealed_code":"no-key","sealed_reason":"There is none.","next_step":"x""#)
        try await FakeDaemon.serving({ _ in .json(200, sealed) }) { fake in
            let ran = await keyturn("check", at: fake.socketPath)
            #expect(ran.status.rawValue == 2 && ran.output == "KEYTURN CRITICAL - the vault is sealed (no-key)\n")
        }
        let absent = await keyturn("check")
        #expect(absent.status.rawValue == 2 && absent.errors == "")
        #expect(absent.output.hasPrefix("KEYTURN CRITICAL - The daemon can't be reached at /nonexistent/s"), "\(absent.output)")
    }

    @Test func `does not know where it may not ask, or was asked wrongly`() async throws {
        try await FakeDaemon.serving({ _ in problem("not-allowed", 403) }) { fake in
            let ran = await keyturn("check", at: fake.socketPath)
            #expect(ran.status.rawValue == 3 && ran.output.hasPrefix("KEYTURN UNKNOWN - this user may not ask"), "\(ran.output)")
        }
        #expect(await keyturn("check", "--nonsense").status.rawValue == 3)
        #expect(await keyturn("--json", "check", "--backup-age", "soon").status.rawValue == 3)
        #expect(await keyturn("status", "--nonsense").status == .usage, "that is for this command alone")
    }

    @Test func `is one document for --json`() async throws {
        let waiting = Self.cases[2]
        try await FakeDaemon.serving({ _ in .json(200, waiting.document) }) { fake in
            let ran = await keyturn("check", "--json", at: fake.socketPath)
            #expect(ran.status.rawValue == 1 && ran.output.contains(#""verdict""#) && ran.output.contains("1 waiting (a)"), "\(ran.output)")
        }
    }
}
