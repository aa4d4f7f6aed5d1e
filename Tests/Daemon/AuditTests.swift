import Foundation
import TestProcesses
import Testing

@Suite(.timeLimit(.minutes(5))) struct `An audit log in a file` {
    private static func export(_ scene: Scene, _ name: String = "audit.ndjson", _ flags: String...) async throws -> String {
        let path = "\(scene.keyturn.folder.path)/\(name)"
        try await scene.done(["audit", "export", path] + flags)
        return path
    }

    private static func lines(_ path: String) throws -> [String] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    enum Damage: CaseIterable {
        case changed, withAnotherField, removed, reordered, doubled, inserted, cutOff, shortened, stripped, another

        func done(to lines: [String]) -> [String] {
            var lines = lines
            switch self {
            case .changed: lines[3] = lines[3].replacing("\"version\":1", with: "\"version\":2").replacing("created", with: "changed")
            case .withAnotherField: lines[3] = lines[3].replacing("{\"at\"", with: "{\"aa\":1,\"at\"")
            case .removed: lines.remove(at: 3)
            case .reordered: lines.swapAt(3, 4)
            case .doubled: lines.insert(lines[3], at: 3)
            case .inserted: lines.insert(lines[3].replacing("created", with: "removed"), at: 4)
            case .cutOff: lines.removeLast(2)
            case .shortened:
                // With a last line to match.
                lines.removeLast(2)
                let entry = lines[lines.count - 1]
                let (mac, seq) = (entry.firstMatch(of: /"mac":"([0-9a-f]+)"/)?.1 ?? "", entry.firstMatch(of: /"seq":(\d+)/)?.1 ?? "")
                lines.append(#"{"entries":\#(lines.count - 1),"last":{"mac":"\#(mac)","seq":\#(seq)}}"#)
            case .stripped:
                lines = lines.map { $0.replacing(/"mac":"[0-9a-f]+"/, with: #""mac":null"#) }
            case .another: lines[0] = lines[0].replacing("\"keyturn_audit_export\":1", with: "\"keyturn_audit_export\":2")
            }
            return lines
        }

        var told: String {
            switch self {
            case .changed, .stripped: "is not the one that was written there"
            case .withAnotherField: "is not as it was exported"
            case .removed, .reordered: "is missing"
            case .doubled, .inserted: "stands where a later one belongs"
            case .cutOff: "is cut off after entry"
            case .shortened: "as it was written"
            case .another: "is no export of the audit log"
            }
        }
    }

    @Test func `that somebody has worked on is found out`() async throws {
        try await Scene.with { scene in
            #expect(try await scene.rotate().status == 0)
            let path = try await Self.export(scene)
            let lines = try Self.lines(path)
            #expect(lines.count > 10)
            let good = try await scene.keyturn.keyturn("audit", "verify", path)
            #expect(good.status == 0 && good.output.contains("is as it was written: entries 1 to \(lines.count - 2)"), "\(good.errors)")
            for damage in Damage.allCases {
                let damaged = damage.done(to: lines)
                #expect(damaged != lines)
                try scene.keyturn.folder.file("damaged.ndjson", Array((damaged.joined(separator: "\n") + "\n").utf8))
                let run = try await scene.keyturn.keyturn("audit", "verify", "\(scene.keyturn.folder.path)/damaged.ndjson")
                // Nothing of what begins as the log does is false, as long as the log itself has the rest; the range says so.
                #expect(run.status == (damage == .shortened ? 0 : 1), "\(damage): \(run.output)\(run.errors)")
                #expect((run.output + run.errors).contains(damage.told), "\(damage): \(run.output)\(run.errors)")
            }
        }
    }

    @Test func `is taken for no other vault's, and shows that the vault was replaced by an older copy`() async throws {
        try await Scene.with { scene in
            let keyturn = scene.keyturn
            try await keyturn.terminate()
            let (old, counter) = (
                try Data(contentsOf: URL(filePath: "\(keyturn.vault)/vault.db")),
                try Data(contentsOf: URL(filePath: "\(keyturn.vault).counter"))
            )
            try await keyturn.start()
            #expect(try await scene.rotate().status == 0)
            let path = try await Self.export(scene)
            let verified = try await keyturn.keyturn("audit", "verify", "--json").document
            let mark = "\(verified["last"]["seq"].number ?? 0):\(verified["last"]["mac"].text ?? "")"
            #expect(try await keyturn.keyturn("audit", "verify", "--known", mark).status == 0)
            try await keyturn.terminate()
            // Together with its counter nothing else tells.
            try keyturn.folder.file("vault/vault.db", Array(old))
            try keyturn.folder.file("vault.counter", Array(counter))
            try await keyturn.start()
            #expect(try await keyturn.keyturn("audit", "verify").status == 0, "in itself it is what it was")
            let known = try await keyturn.keyturn("audit", "verify", "--known", mark)
            #expect(known.status == 1 && known.errors.contains("has not, and never had, the entry"), "\(known.errors)")
            let exported = try await keyturn.keyturn("audit", "verify", path)
            #expect(exported.status == 1 && exported.errors.contains("does not know the entry"), "\(exported.errors)")
            try await Installation.with { other in
                try await other.initialise()
                try await other.start()
                let run = try await other.keyturn("audit", "verify", path)
                #expect(run.status == 1 && run.errors.contains("Entry 1"), "\(run.errors)")
            }
        }
    }

    @Test func `takes the place of what is pruned, and follows on what was exported before`() async throws {
        try await Scene.with { scene in
            let keyturn = scene.keyturn
            let first = try await Self.export(scene, "1.ndjson")
            #expect(try await keyturn.keyturn("audit", "export", first).errors.contains("nothing was overwritten"))
            let asked = try await keyturn.keyturn("audit", "prune", first)
            #expect(asked.status == 2 && asked.errors.contains("--yes"))
            try await scene.done(["audit", "prune", first, "--yes"])
            #expect(try await scene.rotate().status == 0)
            let second = try await Self.export(scene, "2.ndjson")
            try await scene.done(["audit", "prune", second, "--yes"])
            let count = try Self.lines(first).count - 2
            #expect(try Self.lines(second)[1].contains("\"seq\":\(count + 1),"))
            for path in [first, second] { try await scene.done(["audit", "verify", path]) }
            try await scene.done(["audit", "verify"])
            #expect(try await scene.audit().first?["event"].text == "audit.pruned")
            try keyturn.folder.file(
                "short.ndjson", Array((Damage.shortened.done(to: Self.lines(second)).joined(separator: "\n") + "\n").utf8))
            let short = try await keyturn.keyturn("audit", "verify", "\(keyturn.folder.path)/short.ndjson")
            #expect(short.status == 1 && short.errors.contains("was cut short"), "what is pruned is in the file, or lost: \(short.output)")
            // The last has what came after it: what is in no file stays.
            let third = try await Self.export(scene, "3.ndjson", "--until", "1h")
            #expect(try Self.lines(third).count == 2)
            let empty = try await keyturn.keyturn("audit", "prune", third, "--yes")
            #expect(empty.status == 1 && empty.errors.contains("holds no entry"))
            #expect(scene.held == "new")
        }
    }
}
