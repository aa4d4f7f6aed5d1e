import ArgumentParser
import KeyturnClient
import KeyturnWire
import Model

/// `audit`, and what is done with the log as a whole.
struct AuditCommand: GroupOfCommands {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Show who did what; verify, export and prune the audit log.",
        usage: """
            keyturn audit [--since TIME] [--limit NUMBER]
            keyturn audit verify [FILE] [--known MARK]
            keyturn audit export FILE [--until TIME]
            keyturn audit prune FILE [--yes]
            """,
        subcommands: [AuditListCommand.self, AuditVerifyCommand.self, AuditExportCommand.self, AuditPruneCommand.self],
        defaultSubcommand: AuditListCommand.self)
}

struct AuditListCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show who did what. 'keyturn audit' is short for it.",
        discussion: "Example: keyturn audit --since 2026-11-01T00:00:00Z")

    @Option(help: ArgumentHelp("Only from this time on: RFC 3339, or a duration back from now such as 2d.", valueName: "time"))
    var since: String?
    @Option(help: ArgumentHelp("Only the last so many.", valueName: "number")) var limit: Int?

    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let earliest = try since.map { text throws(Failure) in try Checked.pastTime(text, of: "--since", now: .now) }
        let limit = try limit.map { number throws(Failure) in try Checked.limit(number) }
        var entries: [AuditEntry] = []
        try await context.forEachPage({ after throws(ClientError) in try await context.daemon.audit(after: after, limit: 1000) }) { page in
            entries += page.filter { Self.isInTime($0, earliest: earliest) }
            // Only what will be shown is kept.
            if let limit, entries.count > limit { entries.removeFirst(entries.count - limit) }
        }
        context.console.show(Page(items: entries, next: nil)) { Self.describe(entries, on: context.console) }
        return .done
    }

    /// An entry whose time can't be read is shown rather than left out.
    private static func isInTime(_ entry: AuditEntry, earliest: Timestamp?) -> Bool {
        guard let earliest, let at = try? Timestamp(entry.at) else { return true }
        return at >= earliest
    }

    private static func describe(_ entries: [AuditEntry], on console: Console) {
        guard !entries.isEmpty else { return console.note("There is no entry.") }
        console.table(
            Table(
                "SEQ", "TIME", "EVENT", "WHO", "ABOUT", "OUTCOME", "REASON",
                rows: entries.map { entry in
                    [
                        "\(entry.seq)", "\(entry.at)", "\(entry.event)", Styled(entry.caller?.shown), Styled(about(entry)),
                        Styled(entry.outcome), Styled(entry.reason),
                    ]
                }))
    }

    private static func about(_ entry: AuditEntry) -> String? {
        guard let config = entry.config else { return entry.upstream }
        return entry.version.map { "\(config) v\($0)" } ?? config
    }
}

extension Caller {
    /// The unit is the better name: timers run under passing uids.
    var shown: String { unit ?? "uid \(uid)" }
}
