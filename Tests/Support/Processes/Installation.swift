import Foundation
import Glibc
import Synchronization

/// A vault, its daemon and its command line in a folder of their own: the real programs, started and ended as a test wants.
package final class Installation: Sendable {
    package let folder: PrivateFolder
    package let vault: String
    package let keyFile: String
    /// Where the daemon listens.
    package let socket: String
    /// Where commands connect: everything on its way there is kept.
    package let proxySocket: String
    package let logFile: String
    private let settings: String
    private let proxy: RecordingProxy
    private let state = Mutex(State())

    private struct State {
        var daemon: ChildProcess?
        var disk: SmallDisk?
        var runs = 0
        var shown: [UInt8] = []
    }

    package struct NotReady: Error, CustomStringConvertible {
        package let description: String
    }

    /// Short times, so that a test of a time-out is quick; long enough for a slow machine to answer in.
    package static let quickSettings = """
        rotation:
          connect_timeout: 5s
          request_timeout: 1s
          backoff_first: 10ms
          backoff_max: 50ms
          cycle: 500ms
          cycle_gaps: [1h]
          proof_gap: 10ms

        """

    /// For tests that hold an answer back themselves: nothing is over before they say so.
    package static let patientSettings = quickSettings.replacing("request_timeout: 1s", with: "request_timeout: 30s")
        .replacing("cycle: 500ms", with: "cycle: 60s")

    private init(settings: String, vault: String) async throws {
        folder = try PrivateFolder()
        self.vault = "\(folder.path)/\(vault)"
        keyFile = "\(self.vault).key"
        socket = "\(folder.path)/d.sock"
        proxySocket = "\(folder.path)/p.sock"
        logFile = "\(folder.path)/keyturnd.log"
        self.settings = try folder.file("keyturn.yaml", Array(settings.utf8))
        proxy = try await RecordingProxy.start(at: proxySocket, target: socket)
    }

    private static let turnstile = Turnstile(4)

    /// Gives `body` a folder with settings in it, and nothing else yet. Whatever was started there is over afterwards. `vault`: where in the
    /// folder the vault is to be.
    package static func with<Result>(
        settings: String = quickSettings, vault: String = "vault", _ body: (Installation) async throws -> Result
    ) async throws -> Result {
        signal(SIGPIPE, SIG_IGN)
        await turnstile.enter()
        defer { turnstile.leave() }
        let installation = try await Installation(settings: settings, vault: vault)
        let outcome: Swift.Result<Result, any Error>
        do { outcome = .success(try await body(installation)) } catch { outcome = .failure(error) }
        try? await installation.kill()
        try? await installation.disk?.remove()
        await installation.proxy.stop()
        installation.folder.remove()
        return try outcome.get()
    }

    // MARK: Commands

    /// Runs `keyturn` to its end. Its output stays in the folder, where the search for secrets looks.
    package func keyturn(
        _ arguments: [String], input: String = "", in surroundings: Surroundings = Surroundings()
    ) async throws -> CommandRun {
        try await begin(arguments, input: input, in: surroundings).result()
    }

    package func keyturn(_ arguments: String..., input: String = "") async throws -> CommandRun {
        try await keyturn(arguments, input: input)
    }

    /// A command that is under way.
    package struct Begun: Sendable {
        package let process: ChildProcess
        private let output: String
        private let errors: String

        fileprivate init(process: ChildProcess, output: String, errors: String) {
            self.process = process
            self.output = output
            self.errors = errors
        }

        /// What it has said so far.
        package var outputSoFar: String { Self.text(output) }

        package func result() async throws -> CommandRun {
            let status: Int32 =
                switch try await process.ended() {
                case .exited(let status): status
                case .signalled(let number): -number
                }
            return CommandRun(status: status, output: Self.text(output), errors: Self.text(errors))
        }

        private static func text(_ file: String) -> String {
            String(decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self)
        }
    }

    package func begin(
        _ arguments: [String], input: String = "", in surroundings: Surroundings = Surroundings()
    ) throws -> Begun {
        var environment = Programs.environment
        environment["KEYTURN_SOCKET"] = proxySocket
        return try begin(surroundings.command([Programs.keyturn] + arguments), arguments, environment, input)
    }

    /// A line that somebody pastes into a shell, with `keyturn` on its path and no environment that names a socket.
    package func shell(_ line: String) async throws -> CommandRun {
        var environment = Programs.environment
        let programs = URL(filePath: Programs.keyturn).deletingLastPathComponent().path
        environment["PATH"] = "\(programs):/usr/bin:/bin"
        return try await begin(["/bin/sh", "-c", line], [line], environment, "").result()
    }

    private func begin(_ command: [String], _ arguments: [String], _ environment: [String: String], _ input: String) throws -> Begun {
        let number = state.withLock { state in
            state.runs += 1
            return state.runs
        }
        let (output, errors) = ("\(folder.path)/run-\(number).out", "\(folder.path)/run-\(number).err")
        keep(arguments.joined(separator: "\n"))
        return Begun(
            process: try ChildProcess(
                command[0], Array(command.dropFirst()), environment: environment, input: Array(input.utf8), output: output, errors: errors),
            output: output, errors: errors)
    }

    /// Remembers what others on the machine could have seen.
    private func keep(_ shown: String) {
        state.withLock { $0.shown += Array(shown.utf8) + [0] }
    }

    /// A request byte by byte, past the command line.
    package func call(_ method: String, _ target: String, body: String? = nil, headers: [String] = []) async throws -> RawCall.Reply {
        try await RawCall.send(method, target, body: body, headers: headers, to: proxySocket)
    }

    // MARK: The daemon

    /// Makes the vault and its key.
    package func initialise() async throws {
        let made = try await keyturn("init", "--vault", vault)
        guard made.status == 0 else { throw NotReady(description: "init: \(made.errors)") }
    }

    /// Starts `keyturnd` and returns when it serves and has looked for its vault.
    package func start(_ extra: [String] = [], in surroundings: Surroundings = Surroundings()) async throws {
        let process = try launch(extra, in: surroundings)
        let end = ContinuousClock.now + .seconds(60)
        while true {
            if let ending = process.ending { throw NotReady(description: "keyturnd ended: \(ending)\n\(log)") }
            if RawCall.isServed(socket), try await hasLookedForItsVault() { return }
            guard ContinuousClock.now < end else { throw NotReady(description: "keyturnd does not serve\n\(log)") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Starts it without waiting for anything.
    @discardableResult
    package func launch(_ extra: [String] = [], in surroundings: Surroundings = Surroundings()) throws -> ChildProcess {
        var environment = Programs.environment
        environment["KEYTURN_LOG_LEVEL"] = "trace"
        var surroundings = surroundings
        surroundings.mountsOf = surroundings.mountsOf ?? disk?.process
        let command = surroundings.command([Programs.keyturnd, "--config", settings, "--vault", vault, "--socket", socket] + extra)
        let process = try ChildProcess(
            command[0], Array(command.dropFirst()), environment: environment, listener: surroundings.listener, output: logFile,
            errors: logFile)
        state.withLock { $0.daemon = process }
        return process
    }

    private func hasLookedForItsVault() async throws -> Bool {
        let status = try await RawCall.send("GET", "/v1/status", to: socket).document
        return status["sealed"].bool == false || status["sealed_code"].text != "sealed"
    }

    private var disk: SmallDisk? { state.withLock { $0.disk } }

    /// Moves the vault to a small disk, where the daemon finds it from its next start on.
    package func moveVault(toDiskOf mebibytes: Int) async throws -> SmallDisk {
        let disk = try await SmallDisk(over: vault, mebibytes: mebibytes, in: folder)
        state.withLock { $0.disk = disk }
        return disk
    }

    package var daemon: ChildProcess? { state.withLock { $0.daemon } }

    /// As the power would go: SIGKILL.
    package func kill() async throws {
        guard let daemon else { return }
        collectFromTheKernel()
        daemon.send(SIGKILL)
        _ = try await daemon.ended()
    }

    /// As systemd asks it to stop.
    @discardableResult
    package func terminate() async throws -> ChildProcess.Ending? {
        guard let daemon else { return nil }
        collectFromTheKernel()
        daemon.send(SIGTERM)
        return try await daemon.ended()
    }

    private func collectFromTheKernel() {
        guard let daemon, daemon.ending == nil else { return }
        let bytes = daemon.shownByTheKernel()
        state.withLock { $0.shown += bytes }
    }

    package var log: String { String(decoding: FileManager.default.contents(atPath: logFile) ?? Data(), as: UTF8.self) }

    // MARK: What could give a secret away

    /// Every file, every byte that passed the socket, and what the kernel shows of the processes.
    package func whatCanBeSeen() -> [String: [UInt8]] {
        collectFromTheKernel()
        var places = folder.files()
        places["the socket"] = proxy.bytes
        places["the process list"] = state.withLock { $0.shown }
        places["the names of files"] = Array(places.keys.joined(separator: "\n").utf8)
        return places
    }
}
