import Foundation
import Model
import TestProcesses
import TestSupport
import Testing
import Vault

@Suite struct `A power cut` {
    @Test func `at any write, whatever reached the disk of those not synced, loses nothing that was acknowledged`() async throws {
        print("KEYTURN_SEED=\(Effort.seed)")
        try await OwnThread.run { try await Self.cutEverywhere() }
    }

    private static func cutEverywhere() async throws {
        let scratch = try PrivateFolder(in: "/dev/shm")
        defer { scratch.remove() }
        let (root, entries) = try await recorded(in: scratch)
        #expect(entries.contains { if case .write(let path, _, _) = $0 { path.hasSuffix("vault.db-wal") } else { false } })
        #expect(entries.contains { if case .syncFolder = $0 { true } else { false } })

        var generator = Draws(seed: Effort.seed)
        var cuts: [Int: Int] = [:]
        for _ in 0..<Effort.powerCuts { cuts[Int.random(in: entries.indices, using: &generator), default: 0] += 1 }
        var disk = Disk(root: root)
        var acknowledged = Acknowledged()
        var reopened = (prefixes: 0, samples: 0)
        for (index, entry) in entries.enumerated() {
            disk.apply(entry)
            acknowledged.hear(entry)
            try await acknowledged.check(disk.whole, in: scratch, "all up to entry \(index), \(entry.short)")
            reopened.prefixes += 1
            for _ in 0..<cuts[index, default: 0] {
                try await acknowledged.check(disk.afterPowerCut(&generator), in: scratch, "a sample at entry \(index), \(entry.short)")
                reopened.samples += 1
            }
        }
        print("reopened \(reopened.prefixes) prefixes and \(reopened.samples) samples of \(Effort.recordedRotations) rotations")
        #expect(acknowledged.current == Effort.recordedRotations + 1, "all rotations were recorded")
        await #expect(throws: Acknowledged.Lost.self, "a disk that only says that it has synced is noticed") {
            var liar = Disk(root: root)
            for entry in entries { if case .sync = entry {} else { liar.apply(entry) } }
            for _ in 1...100 { try await acknowledged.check(liar.afterPowerCut(&generator), in: scratch, "after syncs that did nothing") }
        }
    }

    /// Makes a vault, rotates in it, with a kill in the middle and a stop at the end; the calls of all programs.
    private static func recorded(in scratch: PrivateFolder) async throws -> (root: String, entries: [CallLog.Entry]) {
        try await Site.with { site in
            let log = CallLog(path: "\(scratch.path)/calls")
            let surroundings = Surroundings {
                var faults = Faults(prefix: site.keyturn.folder.path)
                faults.log = log.path
                $0.faults = faults
            }
            #expect(try await site.keyturn.keyturn(["init", "--vault", site.keyturn.vault], in: surroundings).status == 0)
            try log.mark("made")
            try await site.keyturn.start(in: surroundings)
            // Without grace: erasing comes with each commit.
            try await site.setUp(graceSeconds: 0)
            try log.mark("current 1")
            for round in 1...Effort.recordedRotations {
                try log.mark("staged \(try await site.stage("key-\(round + 1)-Qm4xWs7k"))")
                let rotation = try await site.granted("POST", Site.rotate, [:])
                try log.mark("current \(rotation["version"].number ?? 0)")
                if round == Effort.recordedRotations / 2 {
                    try await site.keyturn.kill()
                    try await site.keyturn.start(in: surroundings)
                }
            }
            #expect(try await site.keyturn.terminate() == .exited(0))
            return (site.keyturn.folder.path, try log.entries())
        }
    }
}

/// What somebody was told, and so may rely on.
private struct Acknowledged {
    private var isMade = false
    private var staged: VersionNumber = 0
    private(set) var current: VersionNumber = 0

    mutating func hear(_ entry: CallLog.Entry) {
        guard case .mark(let text) = entry else { return }
        let words = text.split(separator: " ")
        let number = words.count > 1 ? Int(words[1]) ?? 0 : 0
        switch words[0] {
        case "made": isMade = true
        case "staged": staged = number
        default: current = number
        }
    }

    struct Lost: Error, CustomStringConvertible { let description: String }

    /// Puts the files there and opens the vault.
    func check(_ image: Disk.Image, in scratch: PrivateFolder, _ moment: String) async throws {
        let folder = "\(scratch.path)/after"
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        // SQLite makes its index anew, after a power cut too.
        for (name, bytes) in image.sorted(by: { $0.key < $1.key }) where name.hasPrefix("vault") && !name.hasSuffix("-shm") {
            let path = "\(folder)/\(name)"
            if name.hasSuffix("/") {
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
            } else {
                _ = FileManager.default.createFile(atPath: path, contents: Data(bytes), attributes: [.posixPermissions: 0o600])
            }
        }
        do {
            let reading = try await VaultReading(folder: "\(folder)/vault", keyFile: "\(folder)/vault.key")
            try check(reading)
        } catch let error as VaultError where !isMade && error.isNothingThere {
            // Nobody was told that there is a vault: 'keyturn init' can be run again.
        } catch {
            throw Lost(description: "\(moment): \((error as? VaultError)?.detail ?? "\(error)")")
        }
    }

    private func check(_ reading: VaultReading) throws {
        let now = reading.current ?? 0
        guard now >= current else { throw Lost(description: "version \(current) was current, but \(now) is") }
        guard staged == 0 || reading.state(of: staged) != nil else {
            throw Lost(description: "version \(staged) was staged, but is not there")
        }
        guard now == 0 || reading.keys[now] != nil else { throw Lost(description: "the key of version \(now) is gone") }
        let requested = reading.audit.filter { $0.event.event == "rotation.requested" }.count
        guard requested == reading.rotations.count else {
            throw Lost(description: "\(reading.rotations.count) rotations, but \(requested) audit entries of them")
        }
    }
}

extension VaultError {
    fileprivate var isNothingThere: Bool {
        switch self {
        case .missing, .noKey: true
        default: false
        }
    }
}

extension CallLog.Entry {
    /// Without the bytes.
    fileprivate var short: String {
        if case .write(let path, let offset, let bytes) = self { "\(bytes.count) bytes at \(offset) of \(path)" } else { "\(self)" }
    }
}
