import ArgumentParser
import KeyturnClient
import KeyturnWire
import Model

struct PauseCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Hold a config: no rotation, no retry, no retiring.",
        discussion: "Example: keyturn pause openai-prod --until 2h --reason 'incident 4711'")

    @Argument(help: "Name of the config.", completion: .configs) var name: String
    @Option(help: ArgumentHelp("Until this time: RFC 3339, or a duration from now such as 2h. (default: until resumed)", valueName: "time"))
    var until: String?
    @Option(help: ArgumentHelp("Why; kept with the config.", valueName: "text")) var reason: String?
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let name = try Checked.config(name)
        let until = try until.map { text throws(Failure) in try Checked.time(text, of: "--until", now: .now).description }
        let config = try await context.daemon.pause(name, PauseConfig(until: until, reason: reason)).body
        try await context.show(config, named: name) { "Config \(name) is paused \(until.map { "until \($0)" } ?? "until it is resumed")." }
        return .done
    }
}

struct ResumeCommand: DaemonCommand {
    static let configuration = CommandConfiguration(commandName: "resume", abstract: "Let a paused config go on.")

    @Argument(help: "Name of the config.", completion: .configs) var name: String
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let name = try Checked.config(name)
        let config = try await context.daemon.resume(name).body
        try await context.show(config, named: name) { "Config \(name) goes on." }
        return .done
    }
}
