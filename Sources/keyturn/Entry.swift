import ArgumentParser
import CPriority
import CWipe
import FoundationEssentials
import Glibc

/// Reads the command line and the environment, runs one command, and turns its end into an exit status.
@main
enum Entry {
    static func main() async {
        // SAFETY: an empty function; calling it keeps the wiping `free` in a static link.
        keyturn_wipe_freed_memory()
        // SAFETY: the same, for the `setpriority` that does nothing.
        keyturn_keep_priority()
        let surroundings = Surroundings(
            environment: ProcessInfo.processInfo.environment, output: .descriptor(STDOUT_FILENO), errors: .descriptor(STDERR_FILENO))
        let status = await run(Array(CommandLine.arguments.dropFirst()), in: surroundings)
        // SAFETY: exit(3) has no preconditions.
        exit(status.rawValue)
    }

    static func run(_ arguments: [String], in surroundings: Surroundings) async -> CommandExit {
        let ordered = ArgumentOrder(root: Keyturn.self).globalsLast(arguments)
        do {
            let command = try Keyturn.parseAsRoot(ordered)
            switch command {
            case let command as any DaemonCommand:
                let context = Context(command.flags, in: surroundings)
                return await context.finish { try await command.perform(context) }
            case is any GroupOfCommands: return showHelp(of: command, in: surroundings)
            default:
                guard HelpTopic(arguments: ordered).isKnown(under: Keyturn.self) else {
                    throw ValidationError("There is no such command to tell about.")
                }
                // ArgumentParser's own commands: running them throws what they have to say.
                var command = command
                try command.run()
                return .done
            }
        } catch {
            return report(error, arguments: ordered, in: surroundings)
        }
    }

    /// A group of commands without one of them: what there is, but as the mistake that it is in a script.
    private static func showHelp(of command: any ParsableCommand, in surroundings: Surroundings) -> CommandExit {
        surroundings.errors.write(Keyturn.helpMessage(for: type(of: command)) + "\n")
        return .usage
    }

    /// Help and version are errors to ArgumentParser as well.
    private static func report(_ error: any Error, arguments: [String], in surroundings: Surroundings) -> CommandExit {
        let console = Console(surroundings, json: arguments.contains("--json"), quiet: false, socket: nil)
        guard Keyturn.exitCode(for: error) != .success else {
            console.output.write(Keyturn.fullMessage(for: error) + "\n")
            return .done
        }
        let message = UsageText(arguments: arguments)
        if console.isJSON {
            console.report(Failure.usage(message.hidingValues(in: Keyturn.message(for: error))))
        } else {
            console.errors.write(message.hidingValues(in: "keyturn: " + Keyturn.fullMessage(for: error).trimmingErrorPrefix) + "\n")
        }
        return .usage(of: arguments)
    }
}

/// What `keyturn help` is asked about. ArgumentParser answers an unknown name with help of its own choice, and as if all were well.
struct HelpTopic {
    let names: [String]

    init(arguments: [String]) {
        names = arguments.first == "help" ? arguments.dropFirst().filter { !$0.hasPrefix("-") } : []
    }

    func isKnown(under root: any ParsableCommand.Type) -> Bool {
        var command = root
        for name in names {
            guard let next = command.children.first(where: { $0.configuration.commandName == name }) else {
                return command == root && name == "help"
            }
            command = next
        }
        return true
    }
}

/// What ArgumentParser says about a wrong command line. It quotes arguments; a key pasted there by mistake must not reach a log as well.
struct UsageText {
    let arguments: [String]

    /// No option, command or sensible name is as long as this; the shortest keys are longer.
    private static let harmlessCharacters = 20

    func hidingValues(in text: String) -> String {
        arguments.flatMap { $0.split(separator: "=", maxSplits: 1).map(String.init) }
            .filter { $0.count > Self.harmlessCharacters && !$0.hasPrefix("--") }
            .reduce(text) { $0.replacing($1, with: "…") }
    }
}

extension String {
    fileprivate var trimmingErrorPrefix: String {
        hasPrefix("Error: ") ? String(dropFirst("Error: ".count)) : self
    }
}
