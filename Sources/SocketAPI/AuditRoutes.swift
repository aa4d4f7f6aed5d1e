import Access
import Hummingbird
import KeyturnWire
import Model
import Operations
import Vault

extension Routes {
    /// Reading, verifying and pruning the audit log.
    func addAudit(to router: Router<APIContext>) {
        router.get("/v1/audit") { request, context in
            let query = try QueryParameters(request, known: ["after", "limit"])
            let after = try query.number("after", in: 0...Int.max, default: 0)
            let limit = try query.number("limit", in: 1...1000, default: 100)
            let entries = try await service.audit(after: Int64(after), limit: limit, as: context.caller)
            let next = entries.count < limit ? nil : entries.last.map { String($0.seq) }
            return Response.json(Page(items: entries.map(KeyturnWire.AuditEntry.init), next: next))
        }
        router.post("/v1/audit/verify") { request, context in
            let body = try await request.read(VerifyAudit.self, context)
            if let after = body.after, after < 0 { throw Problem.badField("after", InvalidValue("a number from 0 on")) }
            return Response.json(AuditVerdict(try await service.verifyAudit(after: body.after, as: context.caller)))
        }
        router.post("/v1/audit/verify-export") { request, context in
            let body = try await request.read(VerifyAuditExport.self, context)
            let after = try Vault.AuditMark(body.after, field: "after")
            // One that can't be read is none that the daemon wrote.
            let entries = body.entries.prefixOfReadable
            var verdict = AuditVerdict(try await service.verifyAudit(entries, after: after, as: context.caller))
            if verdict.fault == nil, entries.count < body.entries.count {
                verdict.fault = AuditFault(.changed(seq: body.entries[entries.count].seq))
            }
            return Response.json(verdict)
        }
        router.post("/v1/audit/prune") { request, context in
            let body = try await request.read(PruneAudit.self, context)
            let begins = try await service.pruneAudit(
                after: Vault.AuditMark(body.after, field: "after"), through: Vault.AuditMark(body.through, field: "through"),
                as: context.caller)
            return Response.json(KeyturnWire.AuditMark(begins))
        }
    }
}

extension [KeyturnWire.AuditEntry] {
    fileprivate var prefixOfReadable: [Vault.AuditEntry] {
        var entries: [Vault.AuditEntry] = []
        for entry in self {
            guard let readable = Vault.AuditEntry(entry) else { break }
            entries.append(readable)
        }
        return entries
    }
}

extension KeyturnWire.AuditEntry {
    init(_ entry: Vault.AuditEntry) {
        let event = entry.event
        self.init(
            seq: entry.seq, at: "\(event.at)", event: event.event, caller: event.caller.map { Caller(uid: Int64($0.uid), unit: $0.unit) },
            config: event.config?.description, upstream: event.upstream?.description, rotation: event.rotation?.description,
            version: event.version, outcome: event.outcome, reason: event.reason, mac: entry.mac?.description)
    }
}

extension Vault.AuditEntry {
    /// `nil` unless every field is written just as an entry's is.
    fileprivate init?(_ entry: KeyturnWire.AuditEntry) {
        guard let at = try? Timestamp(entry.at) else { return nil }
        var caller: AuditEvent.Caller?
        if let given = entry.caller {
            guard let uid = UInt32(exactly: given.uid) else { return nil }
            caller = AuditEvent.Caller(uid: uid, unit: given.unit)
        }
        let event = AuditEvent(
            at: at, entry.event, by: caller, config: entry.config.flatMap { try? ConfigName($0) },
            upstream: entry.upstream.flatMap { try? UpstreamName($0) }, rotation: entry.rotation.flatMap { try? RotationID($0) },
            version: entry.version, outcome: entry.outcome, reason: entry.reason)
        self.init(seq: entry.seq, event: event, mac: entry.mac.flatMap { try? AuditMAC($0) })
        guard KeyturnWire.AuditEntry(self) == entry else { return nil }
    }
}

extension KeyturnWire.AuditMark {
    init(_ mark: Vault.AuditMark) {
        self.init(seq: mark.seq, mac: mark.mac?.description)
    }
}

extension Vault.AuditMark {
    fileprivate init(_ mark: KeyturnWire.AuditMark, field: String) throws(Problem) {
        guard mark.seq >= 0 else { throw .badField("\(field).seq", InvalidValue("a number from 0 on")) }
        let mac = try mark.mac.map { (text) throws(Problem) in
            try parsed("\(field).mac", text) { (text) throws(InvalidValue) in try AuditMAC(text) }
        }
        self.init(seq: mark.seq, mac: mac)
    }
}

extension KeyturnWire.AuditVerdict {
    init(_ verdict: Operations.AuditVerdict) {
        self.init(
            begins: AuditMark(verdict.begins), checked: verdict.checked, last: AuditMark(verdict.last),
            fault: verdict.fault.map(AuditFault.init), unchained: verdict.unchained, inLog: verdict.isInLog, end: verdict.isEnd,
            quarantines: verdict.quarantines.map(KeyturnWire.AuditEntry.init))
    }
}

extension AuditFault {
    init(_ fault: AuditCheck.Fault) {
        switch fault {
        case .changed(let seq):
            self.init(
                code: "changed", seq: seq,
                detail:
                    "Entry \(seq) is not the one that was written there: it was changed or inserted, or the one before it is not its own.")
        case .missing(let seq): self.init(code: "missing", seq: seq, detail: "Entry \(seq) is missing.")
        case .misplaced(let seq):
            self.init(
                code: "misplaced", seq: seq, detail: "Entry \(seq) stands where a later one belongs: it is there twice, or out of order.")
        case .truncated(let seq):
            self.init(code: "truncated", seq: seq, detail: "The log ends with entry \(seq), and more were written after it.")
        case .replaced(let seq):
            self.init(
                code: "replaced", seq: seq,
                detail: "Entry \(seq) is another than this daemon has written there: the vault was replaced under it.")
        }
    }
}
