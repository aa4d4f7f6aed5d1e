package import KeyturnWire

/// Calls about the audit log.
extension Daemon {
    package func audit(after: String? = nil, limit: Int? = nil) async throws(ClientError) -> Reply<Page<AuditEntry>> {
        try await send(
            .get("v1", "audit", query: [("after", after), ("limit", limit.map(String.init))]), as: Page<AuditEntry>.self)
    }

    /// Some thousand entries, after one; `nil`: the first.
    package func verifyAudit(after seq: Int64?) async throws(ClientError) -> Reply<AuditVerdict> {
        try await send(.post("v1", "audit", "verify", body: VerifyAudit(after: seq)), as: AuditVerdict.self)
    }

    /// Entries that were exported, as many as a request's body has room for.
    package func verifyAudit(_ entries: [AuditEntry], after mark: AuditMark) async throws(ClientError) -> Reply<AuditVerdict> {
        try await send(
            .post("v1", "audit", "verify-export", body: VerifyAuditExport(after: mark, entries: entries)), as: AuditVerdict.self)
    }

    /// The more there is to drop, the longer it takes.
    package func pruneAudit(after mark: AuditMark, through last: AuditMark) async throws(ClientError) -> Reply<AuditMark> {
        var request = Request.post("v1", "audit", "prune", body: PruneAudit(after: mark, through: last))
        request.patience = .endless
        return try await send(request, as: AuditMark.self)
    }
}
