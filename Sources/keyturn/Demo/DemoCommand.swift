import ArgumentParser
import Dispatch
import FlashbackStandIn
import Glibc

struct DemoCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Tell the whole story in a throw-away folder: a vault, a daemon, a backend, a rotation, a bad key.",
        discussion: "Starts a backend and keyturnd on this machine, runs the real commands against them, and leaves nothing behind.")

    @OptionGroup(title: "Global options") var flags: GlobalFlags

    struct Told: Encodable {
        let steps: [DemoStage.Step]
    }

    func perform(_ context: Context) async throws -> CommandExit {
        let environment = context.environment
        let console = context.console.survivingReaders
        let programs = try DemoStage.Programs.found(environment: environment)
        let backend = try await StandIn.start()
        let folder = try DemoFolder(environment: environment)
        let stage = DemoStage(
            folder: folder, backend: backend, programs: programs, console: console,
            environment: Self.environment(for: folder, environment),
            output: console.isJSON || console.isQuiet ? .file(folder.path + "/output") : .inherited)
        let told = await Self.untilInterrupted { try await DemoStory(stage: stage).tell() }
        let log = folder.logTail()
        await backend.stop()
        folder.remove()
        switch told {
        case .success(let steps):
            console.show(Told(steps: steps)) { console.done("All of it happened in \(folder.path), which is gone.") }
            return .done
        case .failure(is CancellationError): throw Failure.failed("Interrupted; \(folder.path) is removed.")
        case .failure(let error):
            if !console.isJSON, !log.isEmpty { console.errors.write("The daemon's log ended with:\n\(log)\n") }
            throw error
        }
    }

    /// Nothing from outside changes what the commands do.
    private static func environment(for folder: DemoFolder, _ environment: [String: String]) -> [String: String] {
        var result = environment.filter { !$0.key.hasPrefix("KEYTURN_") && $0.key != "CREDENTIALS_DIRECTORY" }
        result["KEYTURN_SOCKET"] = folder.socket
        return result
    }

    /// Runs `body` in a task that a signal cancels, so that what was started is stopped and what was made is removed.
    private static func untilInterrupted<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async -> Result<Value, any Error> {
        let task = Task { try await body() }
        let sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            // SAFETY: ignored, so that the source alone sees it.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { task.cancel() }
            source.resume()
            return source
        }
        let result = await task.result
        sources.forEach { $0.cancel() }
        return result
    }
}

extension Console {
    /// The same, but a reader that goes away does not end the process before it has tidied up.
    fileprivate var survivingReaders: Console {
        Console(
            output: .descriptor(STDOUT_FILENO, whenBroken: .isIgnored), errors: .descriptor(STDERR_FILENO, whenBroken: .isIgnored),
            isJSON: isJSON, isQuiet: isQuiet, mayColour: mayColour, pasted: pasted)
    }
}
