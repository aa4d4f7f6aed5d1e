import KeyturnClient
import KeyturnWire
import Testing

@testable import keyturn

@Suite struct `Output for people` {
    @Test func `columns are as wide as their widest cell, the last one is not padded`() {
        let table = Table("NAME", "STATE", "WHY", rows: [["a", .state("ok"), "-"], ["longer", .state("failed"), "no key"]])
        #expect(
            table.lines(inColour: false) == [
                "NAME    STATE   WHY",
                "a       ok      -",
                "longer  failed  no key",
            ])
    }

    @Test func `colour does not move columns`() {
        let lines = Table("S", "X", rows: [[.state("ok"), "1"]]).lines(inColour: true)
        #expect(lines[1] == "\u{1B}[32mok\u{1B}[0m  1")
    }

    @Test func `a sheet leaves out what is not known`() {
        var sheet = Sheet()
        sheet.add("name", "a")
        sheet.add("next step", nil as String?)
        sheet.add("state", .state("ok"))
        #expect(sheet.lines(inColour: false) == ["name:  a", "state: ok"])
    }

    @Test(arguments: [
        ("plain äöü 漢字", "plain äöü 漢字"),
        ("a\u{1B}[31mred\u{7}", "a[31mred"),
        ("two\nlines\tand\r", "two lines and "),
        ("\u{202E}desrever\u{9B}1m", "desrever1m"),
    ]) func `nothing from elsewhere can steer the terminal`(_ text: String, _ expected: String) {
        #expect(SafeText.line(text) == expected)
        #expect(Styled(text).text == expected)
    }

    @Test func `JSON stays JSON without terminal commands in it`() {
        #expect(SafeText.json("\"a\u{9B}\u{7F}b\"") == #""a\u009b\u007fb""#)
    }
}

@Suite struct `From a problem to the exit status` {
    @Test(arguments: [
        ("bad-request", CommandExit.usage), ("idempotency-mismatch", .usage), ("not-allowed", .denied), ("sealed", .sealed),
        ("unknown-config", .failed), ("key-rejected", .failed), ("stuck", .failed), ("stopping", .failed), ("something-new", .failed),
    ]) func `each code has one`(_ code: String, _ status: CommandExit) {
        let document = ProblemDocument(type: ProblemDocument.typePrefix + code, title: "t", status: 400, detail: "d")
        #expect(Failure.client(.problem(document)).exit == status)
    }

    @Test func `no socket is 4, an untrusted one 1`() {
        #expect(Failure.client(.unreachable(path: "/s", why: "w")).exit == .unreachable)
        #expect(Failure.client(.lost(path: "/s", why: "w")).exit == .unreachable)
        #expect(Failure.client(.unanswered(path: "/s", why: "w")).exit == .unreachable)
        #expect(Failure.client(.untrusted(path: "/s", why: "w")).exit == .failed)
    }
}

@Suite struct `The status of the whole` {
    @Test(arguments: [
        (["ok": 3], [], CommandExit.done), (["ok": 1, "overdue": 1], [], .failed), ([:], ["stuck"], .failed),
        (["waiting": 1], ["waiting"], .done),
        (["failed": 0], ["ok"], .done),
    ]) func `is bad when something is failed, overdue or stuck`(_ configs: [String: Int], _ attention: [String], _ expected: CommandExit) {
        let status = Status(
            version: "1", sealed: false, configs: configs, upstreams: 1,
            attention: attention.map { Attention(config: "a", state: $0, reason: "r") })
        #expect(StatusCommand.exit(for: status) == expected)
    }

    @Test func `is 6 when sealed`() {
        #expect(StatusCommand.exit(for: Status(version: "1", sealed: true, configs: ["failed": 1], upstreams: 0, attention: [])) == .sealed)
    }
}
