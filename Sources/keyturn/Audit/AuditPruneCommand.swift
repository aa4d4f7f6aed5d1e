import ArgumentParser
import KeyturnClient
import KeyturnWire
import Model

struct AuditPruneCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Drop from the vault what an export holds.",
        discussion: """
            The file is verified first, and nothing goes that it does not hold. What stays is verifiable as before, and so is the file. \
            Needs the rights 'audit' and 'admin'.

            Example: keyturn audit prune audit-2026-11.ndjson
            """)

    @Argument(help: ArgumentHelp("The export.", valueName: "file"), completion: .file()) var file: String
    @Flag(help: "Don't ask.") var yes = false
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    struct Pruned: Encodable {
        let begins: AuditMark
    }

    func perform(_ context: Context) async throws -> CommandExit {
        let found = try await AuditVerification(ofFile: file, context.daemon)
        guard found.entries > 0 else { throw Failure.failed("\(file) holds no entry.") }
        try Confirmation.ask("Drop entries up to \(found.last.seq) from the vault? Only \(file) has them then.", yes: yes)
        let begins = try await context.daemon.pruneAudit(after: found.after, through: found.last).body
        context.console.show(Pruned(begins: begins)) {
            context.console.done("The audit log begins with entry \(begins.seq + 1) now. Keep \(file): it holds what was before.")
        }
        return .done
    }
}
