import ArgumentParser
import FoundationEssentials
import Glibc
import KeyturnClient
import KeyturnWire
import Model
import Vault

struct AuditExportCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write the audit log into a file that can be verified.",
        discussion: """
            One JSON document a line: the entries, a line before them and one after. The file appears under its name when it is whole and was \
            verified. Needs the right 'audit'.

            Examples:
              keyturn audit export audit-2026-11.ndjson --until 2026-12-01T00:00:00Z
              keyturn audit verify audit-2026-11.ndjson
            """)

    @Argument(help: ArgumentHelp("Where it goes; nothing is overwritten.", valueName: "file"), completion: .file()) var file: String
    @Option(help: ArgumentHelp("Only what is before this time: RFC 3339, or a duration back from now such as 30d.", valueName: "time"))
    var until: String?
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let end = try until.map { text throws(Failure) in try Checked.pastTime(text, of: "--until", now: .now) }
        guard access(file, F_OK) != 0 else { throw LocalFile.taken(file, Self.otherwise) }
        let begins = try await context.daemon.verifyAudit(after: nil).body.begins
        let target = try LocalFile.written(otherwise: Self.otherwise) { () throws(FileError) in
            try DraftFile(of: file, ending: "part-\(getpid())")
        }
        try await write(to: target, after: begins, until: end, context)
        var found = try await AuditVerification(ofFile: target.draft, context.daemon)
        try LocalFile.written(otherwise: Self.otherwise) { () throws(FileError) in try target.publish(.new) }
        found.file = file
        context.console.show(found) {
            context.console.done("Wrote \(file): \(found.entries) entr\(found.entries == 1 ? "y" : "ies").")
            if found.entries > 0 { context.console.hint("keyturn audit prune \(ShellWord.quoted(file))") }
        }
        return .done
    }

    private func write(to target: DraftFile, after begins: KeyturnWire.AuditMark, until end: Timestamp?, _ context: Context) async throws {
        func put(_ value: some Encodable) throws {
            try LocalFile.written(otherwise: Self.otherwise) { () throws(FileError) in try target.write(AuditExport.line(value)) }
        }
        try put(AuditExport.Head(version: AuditExport.version, after: begins))
        var last = begins
        var count = 0
        var cursor: String? = String(begins.seq)
        while let after = cursor {
            let page = try await context.daemon.audit(after: after, limit: 1000).body
            // The clock may have gone back: what stands after the first that is too late is left out as well, so that there is no gap.
            let wanted = page.items.prefix { entry in
                guard let end, let at = try? Timestamp(entry.at) else { return true }
                return at < end
            }
            for entry in wanted { try put(entry) }
            count += wanted.count
            last = wanted.last?.mark ?? last
            cursor = wanted.count < page.items.count ? nil : page.next
        }
        try put(AuditExport.Foot(entries: count, last: last))
    }

    private static let otherwise = "Choose another name."
}
