import FlashbackStandIn
import KeyturnClient
import Secrets

/// What the demo plays on: a backend, a vault daemon, and the commands that are run against it.
struct DemoStage: Sendable {
    let folder: DemoFolder
    let backend: StandIn
    let programs: Programs
    let console: Console
    let environment: [String: String]
    /// Where the commands' output goes: with `--json` there is one document only, with `--quiet` nothing.
    let output: ChildProcess.Output

    struct Programs: Sendable {
        let keyturn: String
        let keyturnd: String
    }

    /// One command that was run.
    struct Step: Encodable, Sendable {
        let command: String
        let exit: Int32
    }

    /// Prints a command, runs it, and insists on how it ends.
    func run(_ arguments: String..., secret: String? = nil, expecting expected: CommandExit = .done) async throws -> Step {
        let command = (["keyturn"] + arguments).map(Self.quoted).joined(separator: " ")
        console.done("$ ", Styled(command, .strong))
        let child = try ChildProcess.start(
            programs.keyturn, ["keyturn"] + arguments, environment: environment, input: Self.input(secret), output: output)
        let status = await child.wait()
        try Task.checkCancellation()
        guard status == expected.rawValue else {
            throw Failure.failed("The step '\(command)' ended with status \(status) in place of \(expected.rawValue).")
        }
        return Step(command: command, exit: status)
    }

    /// A sentence on what just happened.
    func tell(_ text: String) {
        console.done(Styled("  \(text)", .faint))
        console.done("")
    }

    /// The daemon, once it answers.
    func startDaemon() async throws -> ChildProcess {
        let arguments = ["keyturnd", "--vault", folder.vault, "--socket", folder.socket]
        console.done("$ ", Styled(arguments.joined(separator: " ") + " &", .strong))
        let child = try ChildProcess.start(programs.keyturnd, arguments, environment: environment, output: .file(folder.log))
        do {
            try await waitUntilReady(child)
            return child
        } catch {
            child.end()
            _ = await child.wait()
            throw error
        }
    }

    private static let startTime = Duration.seconds(20)

    private func waitUntilReady(_ child: ChildProcess) async throws {
        let daemon = Daemon(socketPath: folder.socket)
        let end = ContinuousClock.now + Self.startTime
        while true {
            if let reply = try? await daemon.readiness(), reply.status == 200 { return }
            if let status = child.endedWith { throw Failure.failed("The daemon ended with status \(status) before it was ready.") }
            guard ContinuousClock.now < end else { throw Failure.failed("The daemon was not ready within \(Self.startTime).") }
            try await Task.sleep(for: .milliseconds(25))
        }
    }

    private static func input(_ secret: String?) -> ChildProcess.Input {
        guard let secret else { return .nothing }
        let line = Array((secret + "\n").utf8)
        return .secret(Secret(count: line.count) { $0.copyBytes(from: line) })
    }

    private static func quoted(_ argument: String) -> String {
        let isPlain = argument.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-._/:=".contains($0)) }
        return isPlain && !argument.isEmpty ? argument : "'\(argument.replacing("'", with: "'\\''"))'"
    }
}

extension DemoStage.Programs {
    /// `keyturnd` beside this very executable, else on the path.
    static func found(environment: [String: String]) throws(Failure) -> DemoStage.Programs {
        guard let own = LocalFile.target(ofLink: "/proc/self/exe") else {
            throw .failed("/proc is not there to say which program this is.")
        }
        let folder = own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let folders = [folder] + (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        guard let daemon = folders.map({ "\($0)/keyturnd" }).first(where: LocalFile.isExecutable) else {
            throw .failed("There is no keyturnd beside '\(own)' or on the PATH.")
        }
        return DemoStage.Programs(keyturn: own, keyturnd: daemon)
    }
}
