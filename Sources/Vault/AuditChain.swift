import FoundationEssentials
package import Model
import Secrets

/// Authenticates an entry of the audit log together with all before it: keyed BLAKE2b over the MAC before and the entry's fields as they are shown.
/// Written as 64 lower-case hexadecimal digits. No secret: it is exported with its entry.
package struct AuditMAC: Sendable, Equatable, Codable, CustomStringConvertible {
    private let bytes: [UInt8]

    static let count = 32

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    package init(_ text: String) throws(InvalidValue) {
        guard text.utf8.count == 2 * Self.count, let bytes = Hex.bytes(text) else {
            throw InvalidValue("64 hexadecimal digits, as 'keyturn audit verify' shows them")
        }
        self.bytes = bytes
    }

    package var description: String { Hex.text(bytes) }

    /// In constant time: who has no key could find one out byte by byte.
    package static func == (one: AuditMAC, other: AuditMAC) -> Bool { ConstantTime.equal(one.bytes, other.bytes) }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        do { try self.init(text) } catch {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "not a MAC"))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    fileprivate static let first = AuditMAC([UInt8](repeating: 0, count: count))
    fileprivate var message: [UInt8] { bytes }
}

/// A place in the audit log: an entry's number, and the MAC that vouches for it and all before.
package struct AuditMark: Sendable, Equatable, Codable {
    package let seq: Int64
    /// `nil` for an entry from before the chain.
    package let mac: AuditMAC?

    package init(seq: Int64, mac: AuditMAC?) {
        self.seq = seq
        self.mac = mac
    }

    /// Before the first entry.
    package static let beginning = AuditMark(seq: 0, mac: nil)
}

/// Where the log begins and ends, as the vault's state says it: what is missing from it is missed.
struct AuditTrail: Sendable, Equatable, Codable {
    private(set) var last: AuditMark
    /// The first entry that has a MAC; earlier releases wrote none.
    let chainedFrom: Int64

    /// With an entry that came after `before`.
    static func extending(_ before: AuditTrail?, by entry: AuditEntry) -> AuditTrail {
        AuditTrail(last: entry.mark, chainedFrom: before?.chainedFrom ?? entry.seq)
    }
}

extension AuditEntry {
    package var mark: AuditMark { AuditMark(seq: seq, mac: mac) }
}

extension OpenVault {
    package func lastAuditMark() throws(VaultError) -> AuditMark {
        try VaultView(vault: self).list(.audit, order: .descending, limit: 1).first?.value.mark ?? .beginning
    }

    /// The entry that follows.
    func entry(_ event: AuditEvent, after last: AuditMark) -> AuditEntry {
        let mark = mark(of: event, after: last)
        return AuditEntry(seq: mark.seq, event: event, mac: mark.mac)
    }

    func mark(of event: AuditEvent, after last: AuditMark) -> AuditMark {
        AuditMark(seq: last.seq + 1, mac: mac(of: event, at: last.seq + 1, after: last.mac))
    }

    func mac(of event: AuditEvent, at seq: Int64, after previous: AuditMAC?) -> AuditMAC {
        AuditMAC(auditKey.withBytes { Blake2b.hash((previous ?? .first).message + event.bytes(at: seq), key: $0, count: AuditMAC.count) })
    }
}

extension AuditEvent {
    /// Each field as it is shown, with its length before it, so that no two entries read the same.
    fileprivate func bytes(at seq: Int64) -> [UInt8] {
        let fields: [String?] = [
            "\(seq)", "\(at)", event, (caller?.uid).map { "\($0)" }, caller?.unit, config?.description, upstream?.description,
            rotation?.description, version.map { "\($0)" }, outcome, reason,
        ]
        return fields.flatMap { field in
            guard let field else { return [UInt8](repeating: 0xFF, count: 4) }
            let count = UInt32(field.utf8.count)
            return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) } + field.utf8
        }
    }
}

/// The places up to which the log was pruned, oldest first: they vouch for what was exported before.
struct AuditPrunings: Sendable, Equatable, Codable {
    var through: [AuditMark] = []

    /// Where the log begins.
    var beginning: AuditMark { through.last ?? .beginning }
}

extension RecordKind where Value == AuditPrunings {
    static let auditPrunings = RecordKind(tag: RecordTag.auditPrunings, name: "list of prunings")
}

extension RecordReader {
    func auditPrunings() throws(VaultError) -> AuditPrunings { try get(.auditPrunings, .only) ?? AuditPrunings() }

    /// Where the log begins: after what was pruned.
    package func auditBeginning() throws(VaultError) -> AuditMark { try auditPrunings().beginning }

    /// What the log has at this place; `nil` where it has, and had, no such entry.
    package func auditMark(at seq: Int64) throws(VaultError) -> AuditMark? {
        if seq == 0 { return .beginning }
        if let entry = try get(.audit, .sequence(seq)) { return entry.mark }
        return try auditPrunings().through.last { $0.seq == seq }
    }
}

extension Transaction {
    /// Drops the entries up to this one, at most `limit` of them, oldest first; returns where the log begins then.
    package mutating func pruneAudit(through seq: Int64, limit: Int, continuing: Bool) throws(VaultError) -> AuditMark {
        var prunings = try auditPrunings()
        let begins = prunings.beginning.seq
        let end = min(seq, begins + Int64(limit))
        guard end > begins, let last = try get(.audit, .sequence(end)) else { return prunings.beginning }
        for number in (begins + 1)...end { try delete(.audit, .sequence(number)) }
        if continuing, !prunings.through.isEmpty { prunings.through.removeLast() }
        prunings.through.append(last.mark)
        try put(.auditPrunings, .only, prunings)
        return last.mark
    }
}
