import Foundation
import TestProcesses
import Testing

/// The simulator has a process of its own: only there are hash tables ordered, so that a seed makes the same run each time. It computes for
/// long, and gives way to tests that wait for somebody.
@Suite struct `The simulator` {
    @Test func `replays a seed`() async throws {
        let once = try await Self.simulator("random", "--rotations", "200", "--seed", "1")
        #expect(once.output.contains("trace "))
        #expect(try await Self.simulator("random", "--rotations", "200", "--seed", "1").output == once.output)
    }

    @Test func `finds no promise broken when a rotation is killed at any point of any path`() async throws {
        let tour = try await Self.simulator("tour", "--kills", "1")
        #expect(tour.status == 0, "\(tour.output)")
    }

    @Test func `finds no promise broken in 20,000 rotations`() async throws {
        let runs = try await Self.simulator("random", "--rotations", "20000", "--seed", "1")
        #expect(runs.status == 0, "\(runs.output)")
    }

    @Test func `finds none broken over SQLite's files either`() async throws {
        let runs = try await Self.simulator("random", "--rotations", "300", "--seed", "1", "--disk", "sqlite")
        #expect(runs.status == 0, "\(runs.output)")
    }

    /// Every promise has a variant that breaks it: a run that is never red would show nothing.
    @Test(arguments: [
        ("leaves-out-the-outcome", "comes to rest"), ("writes-behind", "durable before visible"), ("forgets-audit", "never silent"),
        ("forgets-requests", "never twice"), ("moves-due-early", "due moves with the commit"),
        ("sends-the-earlier-key", "never twice"), ("believes-every-put", "never cut off"),
        ("answers-before-the-commit", "durable before visible"), ("leaves-out-a-config", "never silent: status does not name"),
        ("ignores-quarantine", "quarantine holds: key-"), ("keeps-no-counter", "quarantine holds: an older vault"),
        ("takes-sent-for-unsent", "never lost"), ("forgets-pauses", "a pause holds"), ("knows-no-machine", "quarantine holds"),
        ("keeps-its-reserve", "never silent: what the backend answered"),
        ("forgets-holds", "never silent: status does not name"), ("forgets-failures", "never silent: status does not name"),
    ]) func `finds the promise that a variant breaks`(_ variant: String, _ promise: String) async throws {
        let runs = try await Self.simulator("random", "--rotations", "6000", "--seed", "4", "--variant", variant)
        #expect(runs.status == 1)
        #expect(runs.output.contains("Broken: \(promise)"), "\(runs.output)")
    }

    /// Most often it shows in a proof that does not hold; what it is there for is a key that nobody has any more.
    @Test func `finds the key that is erased while a PUT of it may land`() async throws {
        let runs = try await Self.simulator("random", "--rotations", "3000", "--seed", "10", "--variant", "forgets-stragglers")
        #expect(runs.status == 1)
        #expect(runs.output.contains("Broken: never lost"), "\(runs.output)")
    }

    /// An erasure can be too early in two ways, and one that is found says nothing of the other.
    @Test(arguments: [("forgets-the-grace", "seconds too early"), ("forgets-the-proof", "was proven")])
    func `finds an erasure that comes too early`(_ variant: String, _ why: String) async throws {
        let runs = try await Self.simulator("random", "--rotations", "6000", "--seed", "4", "--variant", variant)
        #expect(runs.status == 1)
        #expect(
            runs.output.split(separator: "\n").contains { $0.hasPrefix("Broken: never cut off") && $0.hasSuffix(why) }, "\(runs.output)")
    }

    @Test func `replays what it found in a variant`() async throws {
        let variant = "answers-before-the-commit"
        let runs = try await Self.simulator("random", "--rotations", "6000", "--seed", "4", "--variant", variant)
        let found = try #require(runs.output.split(separator: "\n").first { $0.hasPrefix("Broken: ") })
        let again = try #require(runs.output.split(separator: "\n").first { $0.hasPrefix("Again: keyturn-simulator ") })
        let replayed = try await Self.simulator(again.split(separator: " ").dropFirst(2).map(String.init))
        #expect(replayed.status == 1)
        #expect(replayed.output.contains(found), "\(replayed.output)")
    }

    private static func simulator(_ arguments: String...) async throws -> (status: Int32, output: String) {
        try await simulator(arguments)
    }

    private static func simulator(_ arguments: [String]) async throws -> (status: Int32, output: String) {
        let folder = try PrivateFolder()
        defer { folder.remove() }
        let output = "\(folder.path)/output"
        let process = try ChildProcess(
            "/usr/bin/nice", ["-n", "19", Programs.simulator] + arguments, environment: Programs.environment, output: output,
            errors: "\(folder.path)/errors")
        guard case .exited(let status) = try await process.ended(within: .seconds(1200)) else { return (-1, "killed") }
        return (status, String(decoding: FileManager.default.contents(atPath: output) ?? Data(), as: UTF8.self))
    }
}
