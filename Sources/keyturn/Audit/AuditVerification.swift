import KeyturnClient
import KeyturnWire

/// What was found out about the log, or an export of it; also what `--json` shows.
struct AuditVerification: Encodable {
    /// `nil`: the log that the vault holds.
    @Nullable var file: String?
    /// What the entries follow.
    let after: AuditMark
    private(set) var entries = 0
    private(set) var last: AuditMark
    /// So many of them have no MAC.
    private(set) var unchained: Int64 = 0
    private(set) var quarantines: [AuditEntry] = []

    enum CodingKeys: CodingKey {
        case file, after, entries, last, unchained, quarantines
    }

    private init(file: String?, after: AuditMark) {
        self.file = file
        self.after = after
        last = after
    }

    /// Of what the vault holds.
    init(_ daemon: Daemon) async throws {
        var verdict = try await daemon.verifyAudit(after: nil).body
        self.init(file: nil, after: verdict.begins)
        try take(verdict)
        while !verdict.end {
            guard verdict.checked > 0 else { throw ClientError.garbage("the log does not end") }
            verdict = try await daemon.verifyAudit(after: last.seq).body
            try take(verdict)
        }
    }

    /// Of an export, by the vault whose log it is.
    init(ofFile path: String, _ daemon: Daemon) async throws {
        var reader = try AuditExportReader(path)
        self.init(file: path, after: reader.head.after)
        var isInLog = false
        repeat {
            let page = try reader.next(bytes: Self.pageBytes)
            let verdict = try await daemon.verifyAudit(page, after: last).body
            try take(verdict)
            isInLog = verdict.inLog
        } while !reader.isOver
        try reader.requireWhole()
        guard isInLog else {
            throw Failure.failed(
                "The vault does not know the entry \(last.seq) with which \(path) ends: the file was cut short, or one of the two is an older copy that went its own way."
            )
        }
    }

    /// That the log has what somebody noted of it earlier.
    static func require(_ known: AuditMark, _ daemon: Daemon) async throws {
        guard try await daemon.verifyAudit([], after: known).body.inLog else {
            throw Failure.failed(
                "The log has not, and never had, the entry \(known.seq) that --known tells: the vault was replaced by an older copy, or by another."
            )
        }
    }

    /// A request's body has 64 KiB; JSON in it is as long as in the file, but for the last entry, which may be longer than the room left.
    private static let pageBytes = 48 << 10

    private mutating func take(_ verdict: AuditVerdict) throws(Failure) {
        if let fault = verdict.fault {
            let place = file.map { " in \($0)" } ?? ""
            throw .failed("The audit log is not as it was written\(place). \(fault.detail)")
        }
        entries += verdict.checked
        last = verdict.last
        unchained = verdict.unchained
        quarantines += verdict.quarantines
    }

    func describe(on console: Console) {
        let what = file ?? "The audit log"
        guard entries > 0 else { return console.line("\(what) is empty.") }
        console.line("\(what) is as it was written: entries \(after.seq + 1) to \(last.seq).")
        if let mac = last.mac { console.line("  mark: \(last.seq):\(mac)") }
        if unchained > after.seq {
            console.note("  Entries \(after.seq + 1) to \(min(unchained, last.seq)) have no MAC: an earlier release wrote them.")
        }
        for entry in quarantines {
            console.note(
                "  At entry \(entry.seq), \(entry.at), the vault was put in quarantine (\(entry.outcome ?? "?")): what an earlier copy had recorded by then may be missing."
            )
        }
    }
}
