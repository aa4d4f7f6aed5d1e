import ArgumentParser
import KeyturnClient
import KeyturnWire

struct HistoryCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "List rotations, or show one.",
        discussion: "Examples: keyturn history openai-prod; keyturn history --rotation 01JDG…")

    @Argument(help: "Only those of this config.", completion: .configs) var name: String?
    @Option(help: ArgumentHelp("Show this one with all that is known.", valueName: "id")) var rotation: String?
    @Option(help: ArgumentHelp("At most so many.", valueName: "number")) var limit = 50
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        if let rotation {
            let rotation = try await context.daemon.rotation(Checked.rotation(rotation)).body
            context.console.show(rotation) { context.console.sheet(rotation.sheet(context.console.pasted)) }
            return .done
        }
        let name = try name.map { text throws(Failure) in try Checked.config(text) }
        let page = try await context.firstItems(Checked.limit(limit)) { after, limit throws(ClientError) in
            try await context.daemon.rotations(of: name, after: after, limit: limit)
        }
        context.console.show(page) { Self.describe(page.items, of: name, on: context.console) }
        return .done
    }

    private static func describe(_ rotations: [Rotation], of name: String?, on console: Console) {
        guard !rotations.isEmpty else {
            console.note(name.map { "\($0) was never rotated." } ?? "Nothing was rotated yet.")
            return console.hint(name.map { "keyturn rotate \($0)" } ?? "keyturn config list")
        }
        console.table(
            Table(
                "TIME", "ID", "CONFIG", "KIND", "STATE", "VERSION", "WHO", "REASON", "NEXT STEP",
                rows: rotations.map {
                    [
                        "\($0.startedAt)", "\($0.id)", "\($0.config)", "\($0.kind)", .state($0.state), Styled($0.version.map(String.init)),
                        "\($0.requestedBy.shown)", Styled($0.reason ?? $0.warnings.first ?? $0.requestReason),
                        Styled($0.nextStep.map(console.pasted.text)),
                    ]
                }))
    }
}

extension Context {
    /// The first so many items of a list, however small the daemon's pages are.
    fileprivate func firstItems<Item>(
        _ limit: Int, _ page: (_ after: String?, _ limit: Int) async throws(ClientError) -> Reply<Page<Item>>
    ) async throws(ClientError) -> Page<Item> {
        var all = Page<Item>(items: [], next: nil)
        repeat {
            let reply = try await page(all.next, min(limit - all.items.count, 1000)).body
            all.items += reply.items.prefix(limit - all.items.count)
            guard reply.next == nil || reply.next != all.next else { throw .garbage("the list repeats itself") }
            all.next = reply.next
        } while all.next != nil && all.items.count < limit
        return all
    }
}
