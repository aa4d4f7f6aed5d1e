import ArgumentParser
import KeyturnClient
import KeyturnWire

struct UpstreamCommand: GroupOfCommands {
    static let configuration = CommandConfiguration(
        commandName: "upstream", abstract: "The backends at which keys are rotated.",
        subcommands: [UpstreamSetCommand.self, UpstreamListCommand.self, UpstreamShowCommand.self, UpstreamRemoveCommand.self])

    @OptionGroup(title: "Global options") var flags: GlobalFlags
}

struct UpstreamListCommand: DaemonCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List all upstreams.")

    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let upstreams = try await context.all { after throws(ClientError) in try await context.daemon.upstreams(after: after) }
        context.console.show(Page(items: upstreams, next: nil)) {
            guard !upstreams.isEmpty else {
                context.console.note("There is no upstream yet.")
                return context.console.hint("keyturn upstream set NAME --base-url URL --token-stdin")
            }
            context.console.table(
                Table(
                    "NAME", "URL", "BEARER", "EXPIRES", "LAST SUCCESS", "CONFIGS", "REASON", "NEXT STEP",
                    rows: upstreams.map {
                        [
                            "\($0.name)", "\($0.baseURL)", Styled($0.bearer, $0.bearer == "none" ? .warning : .plain),
                            Styled($0.tokenExpiresAt), Styled($0.lastSuccessAt), "\($0.configs)", Styled($0.bearerLost?.reason),
                            Styled($0.bearerLost.map { context.console.pasted.text($0.nextStep) }),
                        ]
                    }))
        }
        return .done
    }
}

struct UpstreamShowCommand: DaemonCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show one upstream; never its bearer.")

    @Argument(help: "Name of the upstream.", completion: .upstreams) var name: String
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let upstream = try await context.daemon.upstream(Checked.upstream(name)).body
        context.console.show(upstream) {
            var sheet = Sheet()
            sheet.add("name", upstream.name)
            sheet.add("url", upstream.baseURL)
            sheet.add("trust", upstream.caPEM == nil ? (upstream.pinSHA256 == nil ? "the system's" : "the pinned key") : "its own CA file")
            sheet.add("pin", upstream.pinSHA256)
            if upstream.allowPlainHTTP { sheet.add("plain http", Styled("allowed", .warning)) }
            sheet.add("workspace", upstream.workspaceID)
            sheet.add("bearer", Styled(upstream.bearer, upstream.bearer == "none" ? .warning : .plain))
            sheet.add("lost", upstream.bearerLost.map { "\($0.at): \($0.reason)" })
            sheet.add("next step", upstream.bearerLost.map { context.console.pasted.text($0.nextStep) })
            sheet.add("expires", upstream.tokenExpiresAt)
            sheet.add("last success", upstream.lastSuccessAt)
            sheet.add("configs", "\(upstream.configs)")
            context.console.sheet(sheet)
        }
        return .done
    }
}

struct UpstreamRemoveCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove an upstream and its bearer. One that configs are bound to stays.")

    @Argument(help: "Name of the upstream.", completion: .upstreams) var name: String
    @Flag(help: "Don't ask.") var yes = false
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let name = try Checked.upstream(name)
        try Confirmation.ask("Remove the upstream \(name) and its bearer?", yes: yes)
        try await context.daemon.removeUpstream(name)
        context.console.show(Removed(name: name)) { context.console.done("Upstream \(name) removed.") }
        return .done
    }
}
