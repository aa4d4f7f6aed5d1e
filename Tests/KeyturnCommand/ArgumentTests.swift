import Testing

@testable import keyturn

@Suite struct `Global flags` {
    @Test(arguments: [
        (["--json", "status"], ["status", "--json"]),
        (
            ["--socket", "/s", "config", "--quiet", "set", "a", "--id", "r"],
            ["config", "set", "a", "--id", "r", "--socket", "/s", "--quiet"]
        ),
        (["--socket=/s", "rotate", "a"], ["rotate", "a", "--socket=/s"]),
        (["rotate", "a", "--json"], ["rotate", "a", "--json"]),
        (["--json", "rotate", "--reason", "--", "--json"], ["rotate", "--reason", "--json", "--", "--json"]),
        (["--json"], ["--json"]),
        (["--json", "status", "status"], ["status", "status", "--json"]),
    ]) func `before the command are read by the command`(_ given: [String], _ expected: [String]) {
        #expect(ArgumentOrder(root: Keyturn.self).globalsLast(given) == expected)
    }

    @Test(arguments: [["--json", "config", "list"], ["config", "--json", "list"], ["config", "list", "--json"]])
    func `work in each place`(_ arguments: [String]) async {
        let ran = await keyturn(arguments[0], arguments[1], arguments[2])
        #expect(ran.status == .unreachable)
        #expect(ran.errors.hasPrefix("{"))
    }

    @Test func `the environment says the same`() async {
        let ran = await keyturn("status", environment: ["KEYTURN_FORMAT": "json"])
        #expect(ran.errors.contains("urn:keyturn:problem:unreachable"))
    }
}

@Suite struct `A command line that is wrong` {
    @Test(arguments: [
        ["stage"], ["stage", "a", "b"], ["config", "set", "a", "--nope"], ["resolve", "01JDG0000000000000000000AA"], ["nope"], [],
        ["config"],
        ["rotate"], ["rotate", "a", "--all-due"], ["discard", "a", "x", "--yes"], ["config", "show", "Not A Name"],
    ]) func `ends with status 2 and prints no result`(_ arguments: [String]) async {
        let padded = arguments + Array(repeating: "--quiet", count: 4 - arguments.count)
        let ran = await keyturn(padded[0], padded[1], padded[2], padded[3])
        #expect(ran.status == .usage)
        #expect(ran.output.isEmpty)
        #expect(!ran.errors.isEmpty)
    }

    @Test(arguments: ["--json", "--quiet"]) func `never repeats what may be a key`(_ flag: String) async {
        let key = "sk-proj-0123456789abcdefghijklmnop"
        for line in [["stage", "a", key], ["stage", key, "b"], ["config", "show", key.uppercased()], ["stage", "a", "--key=\(key)"]] {
            let ran = await keyturn(line[0], line[1], line[2 < line.count ? 2 : 0], flag)
            #expect(ran.status == .usage)
            #expect(!ran.errors.lowercased().contains(key))
        }
    }

    @Test(arguments: [
        (["slot", "add", "--recipient", "xx"], "--recipient must be a public recovery key"),
        (["slot", "add", "--recipient", ""], "--recipient must be a public recovery key"),
        (["init", "--vault", "/nonexistent/v", "--recovery=x"], "--recovery must be a public recovery key"),
        (["encrypt", "--to=x", "--for=a", "--stdin"], "--to must be an intake key"),
    ]) func `says which kind of key is missing`(_ line: [String], _ said: String) async {
        let padded = line + Array(repeating: "--quiet", count: 5 - line.count)
        let ran = await keyturn(padded[0], padded[1], padded[2], padded[3], padded[4])
        #expect(ran.status == .usage && ran.errors.contains(said), "\(ran.errors)")
    }

    @Test func `is told as JSON where JSON was asked for`() async {
        let ran = await keyturn("stage", "--json")
        #expect(ran.errors.contains("urn:keyturn:problem:usage"))
    }

    @Test(arguments: ["--help", "--version"]) func `help and version are no mistakes`(_ flag: String) async {
        let ran = await keyturn(flag)
        #expect(ran.status == .done)
        #expect(!ran.output.isEmpty)
    }
}

@Suite struct `Destroying something` {
    @Test func `asks, and without a terminal wants to be told in advance`() throws {
        #expect(throws: Failure.self) { try Confirmation.ask("Really?", yes: false, onTerminal: false) }
        try Confirmation.ask("Really?", yes: true, onTerminal: false)
    }
}
