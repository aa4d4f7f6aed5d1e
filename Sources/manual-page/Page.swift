/// The page of a program: its name, synopsis, description, options, and each of its commands.
struct Page {
    let command: CommandHelp
    let section: String
    /// `November 28, 2026`
    let day: String
    private var mdoc = Mdoc()

    init(of command: CommandHelp, section: String, day: String) {
        self.command = command
        self.section = section
        self.day = day
    }

    /// Ends where what the parser can't know begins: exit status, environment, files.
    mutating func render() -> String {
        let name = command.commandName
        mdoc.macro("Dd", day)
        mdoc.macro("Dt", name.uppercased(), section)
        mdoc.macro("Os")
        mdoc.macro("Sh", "NAME")
        mdoc.macro("Nm", Mdoc.word(name))
        mdoc.macro("Nd", Mdoc.escaped(Self.asTitle(command.abstract ?? "")))
        mdoc.macro("Sh", "SYNOPSIS")
        mdoc.macro("Nm", Mdoc.word(name))
        if !commands.isEmpty { mdoc.macro("Ar", "command") }
        for argument in shown(command.arguments) where !isAbout(argument) { synopsis(argument) }
        mdoc.macro("Sh", "DESCRIPTION")
        mdoc.prose(command.discussion ?? "")
        mdoc.macro("Sh", "OPTIONS")
        if !commands.isEmpty { mdoc.sentence("These may stand before and after every command.") }
        options(shown(command.arguments))
        if !commands.isEmpty { mdoc.macro("Sh", "COMMANDS") }
        for command in commands { describe(command, below: []) }
        return mdoc.text
    }

    /// ArgumentParser gives `help` also to a program that has no commands.
    private var commands: [CommandHelp] {
        let shown = (command.subcommands ?? []).filter(\.shouldDisplay)
        return shown.contains { $0.commandName != "help" } ? shown : []
    }

    private mutating func describe(_ command: CommandHelp, below parents: [String]) {
        let path = parents + [command.commandName]
        let own = shown(command.arguments).filter { !isOfAll($0) }
        mdoc.macro("Ss", Mdoc.escaped(path.joined(separator: " ")))
        mdoc.macro("Nm")
        mdoc.macro("Cm", path.map(Mdoc.word).joined(separator: " "))
        if command.subcommands != nil { mdoc.macro("Ar", "command") }
        for argument in own { synopsis(argument) }
        mdoc.macro("Pp")
        if let abstract = command.abstract { mdoc.sentence(abstract) }
        if let discussion = command.discussion {
            mdoc.macro("Pp")
            mdoc.prose(discussion)
        }
        options(own)
        for command in command.subcommands ?? [] where command.shouldDisplay { describe(command, below: path) }
    }

    private mutating func options(_ arguments: [ArgumentHelp]) {
        guard !arguments.isEmpty else { return }
        mdoc.macro("Bl", "-tag", "-width", "6n")
        for argument in arguments {
            let names = (argument.names ?? []).map { "Fl " + Mdoc.word(Self.flag($0)) }.joined(separator: " , ")
            let value = argument.kind == .flag ? "" : "Ar " + Mdoc.word(argument.valueName ?? "value")
            mdoc.macro("It", [names, value].filter { !$0.isEmpty }.joined(separator: " "))
            for text in [argument.abstract, argument.discussion].compactMap(\.self) { mdoc.prose(text) }
            if let value = argument.defaultValue { mdoc.sentence("Default: \(value).") }
        }
        mdoc.macro("El")
    }

    private mutating func synopsis(_ argument: ArgumentHelp) {
        let long = argument.names?.last
        let name = long.map { "Fl " + Mdoc.word(Self.flag($0)) } ?? ""
        let value = argument.kind == .flag ? "" : "Ar " + Mdoc.word(argument.valueName ?? "value") + (argument.isRepeating ? " ..." : "")
        let whole = [name, value].filter { !$0.isEmpty }.joined(separator: " ")
        mdoc.macro(argument.isOptional ? "Op \(whole)" : whole)
    }

    private func shown(_ arguments: [ArgumentHelp]?) -> [ArgumentHelp] { (arguments ?? []).filter(\.shouldDisplay) }

    /// What every command takes is told once, as the program's own.
    private func isOfAll(_ argument: ArgumentHelp) -> Bool {
        guard let names = argument.names else { return false }
        return (command.arguments ?? []).contains { $0.names == names }
    }

    private func isAbout(_ argument: ArgumentHelp) -> Bool { ["version", "help"].contains(argument.names?.last?.name) }

    private static func flag(_ name: ArgumentHelp.Name) -> String {
        switch name.kind {
        case .long: "-\(name.name)"
        case .short, .longWithSingleDash: name.name
        }
    }

    /// A title is no sentence.
    private static func asTitle(_ abstract: String) -> String {
        let words = abstract.hasSuffix(".") ? String(abstract.dropLast()) : abstract
        return words.prefix(1).lowercased() + words.dropFirst()
    }
}
