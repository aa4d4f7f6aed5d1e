/// Follows the audit log, or a part of it that was exported, entry by entry, and finds the first that is not as it was written.
package struct AuditCheck: Sendable {
    package private(set) var last: AuditMark
    private let vault: OpenVault
    private let chainedFrom: Int64

    package enum Fault: Sendable, Equatable {
        /// The entry is not the one that was written at its place: changed, inserted, or after another than the one before it.
        case changed(seq: Int64)
        /// There are none from `seq` up to the next.
        case missing(seq: Int64)
        /// It stands where a later one belongs: twice, or out of its order.
        case misplaced(seq: Int64)
        /// The log went on after `seq`.
        case truncated(seq: Int64)
        /// The log has, or had, another entry there: one of the two is of another log, or of a copy that went its own way.
        case replaced(seq: Int64)
    }

    /// Begins after a place that is taken for granted: the first entry's MAC vouches for it.
    package init(_ view: VaultView, after mark: AuditMark) throws(VaultError) {
        vault = view.vault
        chainedFrom = try view.vaultState().audit?.chainedFrom ?? .max
        last = mark
    }

    package mutating func take(_ entry: AuditEntry) -> Fault? {
        guard entry.seq > last.seq else { return .misplaced(seq: entry.seq) }
        guard entry.seq == last.seq + 1 else { return .missing(seq: last.seq + 1) }
        if entry.seq >= chainedFrom {
            guard entry.mark == vault.mark(of: entry.event, after: last) else { return .changed(seq: entry.seq) }
        } else if entry.mac != nil {
            return .changed(seq: entry.seq)
        }
        last = entry.mark
        return nil
    }

    /// How many entries stand before the chain, which can't be told from others.
    package var unchained: Int64 { min(chainedFrom - 1, last.seq) }

    /// Whether what was taken is what the log has there.
    package func isInLog(_ view: VaultView) throws(VaultError) -> Bool {
        try view.auditMark(at: last.seq) == last
    }

    /// After the log's last entry.
    package func fault(atEndOf view: VaultView) throws(VaultError) -> Fault? {
        guard let end = try view.vaultState().audit?.last, end != last else { return nil }
        return end.seq > last.seq ? .truncated(seq: last.seq) : .replaced(seq: last.seq)
    }
}
