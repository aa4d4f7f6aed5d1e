import ArgumentParser
import KeyturnClient
import KeyturnWire

struct VersionsCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "versions", abstract: "List a config's keys: all live ones and the last 20 that ended.")

    @Argument(help: "Name of the config.", completion: .configs) var name: String
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let name = try Checked.config(name)
        let config = try await context.daemon.config(name).body
        let versions = config.versions
        context.console.show(Page(items: versions, next: nil)) {
            guard !versions.isEmpty else {
                context.console.note("\(name) has no key yet.")
                return context.console.hint("keyturn stage \(name)")
            }
            context.console.table(
                Table(
                    "VERSION", "STATE", "PROOF", "SINCE", "ERASE AFTER", "REASON",
                    rows: versions.map {
                        [
                            "\($0.version)", .state($0.state), $0.proof.map(Styled.state) ?? "-", "\($0.since(among: versions))",
                            Styled($0.eraseAfter), Styled($0.compromised ? "compromised" : $0.reason),
                        ]
                    }))
            if let nextStep = config.nextStep { context.console.hint(nextStep) }
        }
        return .done
    }
}

struct DiscardCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "discard",
        abstract: "Erase a staged key from the vault; with --yes a previous one too. It stays valid at its provider.")

    @Argument(help: "Name of the config.", completion: .configs) var name: String
    @Argument(help: "Number of the version.") var version: String
    @Flag(help: "A previous version too: there is no way back to it then.") var yes = false
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let name = try Checked.config(name)
        let version = try Checked.version(version)
        let erased = try await context.daemon.discard(name, version: version, previousToo: yes).body
        context.console.show(erased) { context.console.done("\(name): version \(version) is erased. Delete it at its provider as well.") }
        return .done
    }
}
