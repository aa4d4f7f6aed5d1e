import ArgumentParser
import Glibc
import Simulation

/// Drives the whole domain through simulated time and trouble. The same arguments make the same runs.
@main struct Simulator: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keyturn-simulator",
        abstract: "Simulated rotations with crashes, a lying backend and an oracle that checks the promises.",
        subcommands: [Random.self, Tour.self, Replay.self], defaultSubcommand: Random.self)

    /// Swift seeds its hash tables anew in each process, and the order of a dictionary would differ from run to run.
    static func main() {
        guard getenv("SWIFT_DETERMINISTIC_HASHING") == nil else { return main(nil) }
        setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1)
        // SAFETY: argv outlives the call, which returns only where it failed.
        unsafe execv("/proc/self/exe", CommandLine.unsafeArgv)
        fatalError("the program could not be started again with ordered hash tables")
    }
}

struct Random: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Runs drawn from a seed, until so many rotations were made.")

    @Option(help: "How many rotations.") var rotations = 20_000
    @Option(help: "The campaign's seed.") var seed: UInt64 = UInt64.random(in: 1...UInt64(UInt32.max))
    @Option(help: "memory or sqlite.") var disk = "memory"
    @Option(help: "A variant that is broken on purpose.") var variant: String?

    func run() throws {
        say("seed \(seed)")
        var campaign = Campaign(seed: seed, rotations: rotations)
        guard let kind = Run.DiskKind(rawValue: disk) else { throw ValidationError("--disk is memory or sqlite.") }
        campaign.disk = kind
        campaign.variant = try variant.map(Variant.named)
        var next = 0
        let report = campaign.play { run in
            say("run \(run)", to: STDERR_FILENO)
        } ends: { report in
            guard report.rotations >= next else { return }
            next += max(rotations / 20, 1)
            say("\(report.rotations) rotations in \(report.runs) runs and \(report.lives) lives")
        }
        say(
            "\(report.rotations) rotations in \(report.runs) runs, \(report.lives) lives, \(report.moves) moves; trace \(String(UInt(bitPattern: report.hash), radix: 16))"
        )
        guard let (run, outcome) = report.failure else { return }
        let (shrunk, shortest) = run.shrunk(from: outcome)
        Story(run: shrunk, outcome: shortest).tell()
        throw ExitCode.failure
    }
}

struct Tour: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Every path of a rotation, killed at every point, and killed again at every point of the resume.")

    @Option(help: "How many kills in one run at the most.") var kills = 2
    @Option(help: "Only this path.") var path: String?

    func run() throws {
        let paths = CrashTour.paths.filter { path == nil || $0.description == path }
        guard !paths.isEmpty else {
            throw ValidationError("There is no such path; known: \(CrashTour.paths.map(\.description).joined(separator: "; ")).")
        }
        var (runs, points, failures) = (0, 0, 0)
        for path in paths {
            let report = CrashTour.walk(path, depth: kills)
            runs += report.runs
            points += report.points
            guard let failure = report.failure else { continue }
            failures += 1
            say("Broken: \(failure)")
        }
        say("\(paths.count) paths, \(runs) runs, \(points) points passed, \(failures) broken")
        if failures > 0 { throw ExitCode.failure }
    }
}

struct Replay: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "One run again, with all that happened in it.")

    @Option(help: "The run's seed.") var seed: UInt64
    @Option(help: "memory or sqlite.") var disk = "memory"
    @Option(help: "A variant that is broken on purpose.") var variant: String?
    @Flag(help: "Also look for its shortest form.") var shrink = false

    func run() throws {
        guard let kind = Run.DiskKind(rawValue: disk) else { throw ValidationError("--disk is memory or sqlite.") }
        let run = Run(seed: seed, disk: kind, variant: try variant.map(Variant.named))
        let tells: (@Sendable (String) -> Void)? = if shrink { nil } else { { line in say(line) } }
        let outcome = run.play(tells: tells)
        say("\(outcome.rotations) rotations, \(outcome.lives) lives; trace \(String(UInt(bitPattern: outcome.trace.hash), radix: 16))")
        guard outcome.violation != nil else { return }
        if shrink {
            let (shrunk, shortest) = run.shrunk(from: outcome)
            Story(run: shrunk, outcome: shortest).tell()
        }
        throw ExitCode.failure
    }
}

enum Variant {
    static func named(_ name: String) throws -> BrokenVariant {
        guard let variant = BrokenVariant(rawValue: name) else {
            throw ValidationError("There is no such variant; known: \(BrokenVariant.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
        return variant
    }
}

/// A broken promise, told so that it can be looked at and played again.
struct Story {
    let run: Run
    let outcome: Run.Outcome

    func tell() {
        guard let violation = outcome.violation else { return }
        let lines = run.play(keepsTrace: true).trace.lines
        say("\nBroken: \(violation)")
        say("\nShortest form found, \(run.script.moves.count) moves:")
        for move in run.script.moves { say("  \(move)") }
        say("\nWhat happened in it:")
        let shown = 120
        for line in lines.prefix(shown) { say("  \(line)") }
        if lines.count > 2 * shown { say("  ...") }
        for line in lines.dropFirst(shown).suffix(shown) { say("  \(line)") }
        let disk = run.disk == .memory ? "" : " --disk \(run.disk.rawValue)"
        let variant = run.variant.map { " --variant \($0.rawValue)" } ?? ""
        say("\nAgain: keyturn-simulator replay --seed \(run.seed)\(disk)\(variant) --shrink")
    }
}

/// Written at once: a run that stops the program has told all that it did.
func say(_ line: String, to file: Int32 = STDOUT_FILENO) {
    var text = line + "\n"
    // SAFETY: the buffer is valid while the closure runs.
    _ = text.withUTF8 { unsafe write(file, $0.baseAddress, $0.count) }
}
