import ArgumentParser

/// Global flags may stand before a command's name as well. ArgumentParser would give them to the parent, so they are moved to the end,
/// where the command itself reads them.
struct ArgumentOrder {
    let root: any ParsableCommand.Type

    private static let switches: Set<String> = ["--json", "--quiet"]
    private static let options: Set<String> = ["--socket"]

    func globalsLast(_ arguments: [String]) -> [String] {
        var rest = arguments[...]
        var path: [String] = []
        var globals: [String] = []
        var command = root
        while let argument = rest.first {
            if Self.switches.contains(argument) || Self.options.contains(where: { argument.hasPrefix("\($0)=") }) {
                globals.append(rest.removeFirst())
            } else if Self.options.contains(argument), rest.count > 1 {
                globals += rest.prefix(2)
                rest = rest.dropFirst(2)
            } else if let next = command.children.first(where: { Self.name(of: $0) == argument }) {
                path.append(rest.removeFirst())
                command = next
            } else {
                break
            }
        }
        // After `--` all is an argument, flags included.
        let end = rest.firstIndex(of: "--") ?? rest.endIndex
        return path + rest[..<end] + globals + rest[end...]
    }

    private static func name(of command: any ParsableCommand.Type) -> String? { command.configuration.commandName }
}

extension ParsableCommand {
    /// The commands under it, in whichever group.
    static var children: [any ParsableCommand.Type] {
        configuration.subcommands + configuration.groupedSubcommands.flatMap(\.subcommands)
    }
}
