import Foundation
import Testing

/// Who adds a kind of event gives it a MESSAGE_ID and explains it: `journalctl -x` is where an operator meets it.
@Suite struct `The catalogue of the journal's entries` {
    @Test func `gives an id to every event that the code names, and to no other`() throws {
        let audited = try ["Sources/Operations", "Sources/Vault"].flatMap { try Self.matches(of: #/"([a-z-]+\.[a-z-]+)"/#, below: $0) }
        let logged = try ["Sources/keyturnd", "Sources/SocketAPI"].flatMap { try Self.matches(of: #/"event": "([^"\\]+)"/#, below: $0) }
        // Labels of threads and the like are named after the product.
        let named = Set((audited + logged).filter { !$0.hasPrefix("keyturn.") })
        #expect(named.count > 40 && named.contains("rotation.stuck") && named.contains("daemon.hangs"), "the events are looked for in vain")
        #expect(named == Set(try Self.identifiers().keys))
    }

    @Test func `has an entry with a text for each id, and no other`() throws {
        let identifiers = try Self.identifiers()
        #expect(identifiers.values.allSatisfy { $0.wholeMatch(of: #/[0-9a-f]{32}/#) != nil })
        #expect(Set(identifiers.values).count == identifiers.count)
        let entries = try Self.entries()
        #expect(Dictionary(entries.map { ($0.event, $0.id) }) { first, _ in first } == identifiers)
        #expect(entries.count == identifiers.count)
        for entry in entries {
            #expect(!entry.subject.isEmpty && entry.text.count > 20, "\(entry.event)")
            // A field that no entry has would stand there as it is.
            let fields = "\(entry.subject)\n\(entry.text)".matches(of: #/@([A-Z_]+)@/#).map { String($0.1) }
            #expect(fields.allSatisfy(Self.fields.contains), "\(entry.event): \(fields)")
        }
    }

    /// Those that an entry whose text names them always has.
    private static let fields: Set = [
        "KEYTURN_CONFIG", "KEYTURN_ROTATION", "KEYTURN_VERSION", "KEYTURN_UPSTREAM", "KEYTURN_OUTCOME", "KEYTURN_REASON",
        "KEYTURN_CALLER_UID", "KEYTURN_NEXT_STEP",
    ]

    private static func matches(of pattern: Regex<(Substring, Substring)>, below folder: String) throws -> [String] {
        try SourceTree.files(below: folder, ending: ["swift"]).flatMap { file in
            file.lines.flatMap { $0.matches(of: pattern).map { String($0.1) } }
        }
    }

    private static func identifiers() throws -> [String: String] {
        let table = try String(contentsOf: SourceTree.root.appending(path: "Sources/keyturnd/MessageIDs.swift"), encoding: .utf8)
        return Dictionary(uniqueKeysWithValues: table.matches(of: #/"([a-z.-]+)": "([^"]*)"/#).map { (String($0.1), String($0.2)) })
    }

    private struct Entry {
        let id: String
        let event: String
        let subject: String
        let text: String
    }

    private static func entries() throws -> [Entry] {
        let catalogue = try String(contentsOf: SourceTree.root.appending(path: "systemd/keyturn.catalog"), encoding: .utf8)
        // A comment before each entry has the event's name.
        return catalogue.components(separatedBy: "\n\n# ").dropFirst().map { block in
            let parts = block.components(separatedBy: "\n\n")
            let head = parts[0].components(separatedBy: "\n")
            func header(_ name: String) -> String {
                head.first { $0.hasPrefix("\(name): ") }?.dropFirst(name.count + 2).description ?? ""
            }
            return Entry(
                id: head[1].hasPrefix("-- ") ? String(head[1].dropFirst(3)) : "", event: head[0], subject: header("Subject"),
                text: parts.dropFirst().joined(separator: "\n\n"))
        }
    }
}
