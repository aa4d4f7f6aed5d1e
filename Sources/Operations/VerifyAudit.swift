package import Access
import Model
package import Vault

/// What came of looking at a part of the audit log.
package struct AuditVerdict: Sendable {
    /// Where the log begins: after what was pruned.
    package let begins: AuditMark
    package fileprivate(set) var checked = 0
    /// The last entry that is as it was written.
    package fileprivate(set) var last: AuditMark
    /// The first that is not; nothing behind it was looked at.
    package fileprivate(set) var fault: AuditCheck.Fault?
    /// How many of the log's first entries an earlier release wrote, without a MAC.
    package fileprivate(set) var unchained: Int64 = 0
    /// Whether `last` is what the log has, or had before it was pruned, at this place.
    package fileprivate(set) var isInLog = true
    /// Whether the log ends with `last`.
    package fileprivate(set) var isEnd = false
    /// At these the vault may have been an older copy, or came from another machine or a backup.
    package fileprivate(set) var quarantines: [AuditEntry] = []
}

extension VaultService {
    /// So many entries are looked at for one request, so that it ends soon; in steps, so that others have their turn.
    private static let verifiedMax = 4096
    private static let verifiedAtOnce = 256

    /// Looks at what the vault holds of its audit log, after an entry; `nil`: from the beginning.
    package func verifyAudit(after seq: Int64?, as caller: Caller) async throws -> AuditVerdict {
        try caller.require(.audit, on: .everything)
        // What the daemon wrote itself, whatever the file says by now.
        let written: AuditMark
        do { written = try await vault.lastAudit } catch { throw error.problem }
        let (begins, start) = try await read { view in
            let begins = try view.auditBeginning()
            guard let seq, seq > begins.seq else { return (begins, begins) }
            guard let mark = try view.auditMark(at: seq) else { throw Self.noEntry(seq) }
            return (begins, mark)
        }
        var verdict = AuditVerdict(begins: begins, last: start)
        while verdict.fault == nil, !verdict.isEnd, verdict.checked < Self.verifiedMax {
            let before = verdict
            verdict = try await read { view in
                var verdict = before
                try verdict.goOn(view, limit: Self.verifiedAtOnce, written: written)
                return verdict
            }
        }
        return verdict
    }

    /// Looks at entries that were exported, and follow `mark`; without any, whether the log has, or had, `mark`.
    package func verifyAudit(_ entries: [AuditEntry], after mark: AuditMark, as caller: Caller) async throws -> AuditVerdict {
        try caller.require(.audit, on: .everything)
        return try await read { view in
            var check = try AuditCheck(view, after: mark)
            var verdict = AuditVerdict(begins: try view.auditBeginning(), last: mark)
            verdict.take(entries, &check)
            verdict.isInLog = try check.isInLog(view)
            return verdict
        }
    }

    private static func noEntry(_ seq: Int64) -> Problem {
        .badField("after", InvalidValue("the number of an entry; the log has no entry \(seq)"))
    }
}

extension AuditVerdict {
    fileprivate mutating func take(_ entries: [AuditEntry], _ check: inout AuditCheck) {
        for entry in entries {
            fault = check.take(entry)
            if fault != nil { break }
            checked += 1
            if entry.event.event == "vault.quarantined" { quarantines.append(entry) }
        }
        last = check.last
        unchained = check.unchained
    }

    fileprivate mutating func goOn(_ view: VaultView, limit: Int, written: AuditMark) throws(VaultError) {
        var check = try AuditCheck(view, after: last)
        let (entries, damaged) = try view.readableAudit(after: last.seq, limit: limit)
        take(entries, &check)
        guard fault == nil else { return }
        if let damaged {
            fault = .changed(seq: damaged)
        } else if let passed = entries.first(where: { $0.seq == written.seq }), passed.mark != written {
            fault = .replaced(seq: written.seq)
        } else if entries.count < limit {
            fault = try check.fault(atEndOf: view) ?? (last.seq < written.seq ? .truncated(seq: last.seq) : nil)
            isEnd = fault == nil
        }
    }
}

extension VaultView {
    /// Up to the first that does not open, and its number.
    fileprivate func readableAudit(after seq: Int64, limit: Int) throws(VaultError) -> (entries: [AuditEntry], damaged: Int64?) {
        do { return (try auditEntries(after: seq, limit: limit), nil) } catch {
            guard case .damaged = error else { throw error }
        }
        var entries: [AuditEntry] = []
        for number in (seq + 1)...(seq + Int64(limit)) {
            do {
                if let entry = try auditEntries(after: number - 1, limit: 1).first { entries.append(entry) }
            } catch {
                guard case .damaged = error else { throw error }
                return (entries, number)
            }
        }
        return (entries, nil)
    }
}
