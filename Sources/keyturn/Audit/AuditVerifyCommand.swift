import ArgumentParser
import KeyturnWire
import Model

struct AuditVerifyCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check that the audit log, or an export of it, is as it was written.",
        discussion: """
            Each entry has a MAC over itself and all entries before it. One that was changed, removed, inserted or put elsewhere is found, and so \
            is a log that ends too early. Note the mark that is shown, away from this machine: with --known it shows later that the log was not \
            replaced by an older copy of the whole vault meanwhile. Needs the right 'audit', for an export as well: the vault has the key.
            Exit status: 1 if anything is not as it was written.

            Examples:
              keyturn audit verify
              keyturn audit verify audit-2026-11.ndjson
            """)

    @Argument(help: ArgumentHelp("An export; else the log that the vault holds.", valueName: "file"), completion: .file()) var file: String?
    @Option(help: ArgumentHelp("A mark that was shown earlier: the log must still have it.", valueName: "mark")) var known: String?
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let known = try known.map { text throws(Failure) in try Self.mark(text) }
        let found =
            if let file { try await AuditVerification(ofFile: file, context.daemon) } else { try await AuditVerification(context.daemon) }
        if let known { try await AuditVerification.require(known, context.daemon) }
        context.console.show(found) { found.describe(on: context.console) }
        return .done
    }

    private static func mark(_ text: String) throws(Failure) -> AuditMark {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let seq = Int64(parts[0]), seq > 0, parts[1].utf8.count == 64 else {
            throw .usage("--known must be a mark such as 'keyturn audit verify' shows: a number, ':' and 64 hexadecimal digits.")
        }
        return AuditMark(seq: seq, mac: String(parts[1]))
    }
}
