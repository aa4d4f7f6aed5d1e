import Foundation
import Model
import SQLiteEngine
import Secrets
import TestSupport
import Testing
import Vault

@Suite struct `A backup` {
    enum Kind: String, CaseIterable {
        case memory, sqlite
    }

    private static func with(_ kind: Kind, _ body: (VaultPlace, VaultStore) async throws -> Void) async throws {
        let place = try VaultPlace()
        defer { place.remove() }
        let engine: any Engine =
            switch kind {
            case .memory: MemoryEngine()
            case .sqlite: try SQLiteFile(path: "\(place.path)/engine.db", mode: .create, lock: nil)
            }
        let vault = try await newVault(in: engine)
        try await body(place, vault)
        await vault.seal()
    }

    private static func write(_ source: BackupSource, to path: String, meanwhile: () async throws -> Void = {}) async throws {
        var stream = source.stream()
        var bytes: [UInt8] = []
        while let piece = try stream.next() {
            bytes += piece
            try await meanwhile()
        }
        bytes += stream.end()
        try Data(bytes).write(to: URL(filePath: path))
    }

    private static func opened(_ file: BackupFile) throws -> OpenVault {
        try OpenVault.open(file, unlockKey: key(1), at: someTime, random: SeededRandom(seed: 9))
    }

    @Test(arguments: Kind.allCases) func `holds one state, whatever is written meanwhile`(_ kind: Kind) async throws {
        try await Self.with(kind) { place, vault in
            for number in 1...300 { try await vault.put(.note, "note \(number)", "before") }
            try await vault.putJewel("jewel", "sparkling")
            let source = try await vault.backup(at: someTime, counting: .note)
            try await Self.write(source, to: "\(place.path)/backup") {
                for number in [1, 150, 300] { try await vault.put(.note, "note \(number)", "after") }
                try await vault.put(.memo, "memo", "after")
            }
            let file = try BackupFile(path: "\(place.path)/backup")
            #expect(file.head.madeAt == someTime && file.summary.configs == 300)
            let store = VaultStore(audience: Listener())
            try await store.unseal(ordinary) { () throws(VaultError) in
                try OpenVault.open(file, unlockKey: key(1), at: someTime, random: SeededRandom(seed: 9))
            }
            for number in [1, 2, 150, 300] { #expect(try await store.note(.note, "note \(number)") == "before") }
            #expect(try await store.note(.memo, "memo") == nil)
            #expect(try await store.jewel("jewel") == "sparkling")
            try file.requireGenuine(in: Self.opened(file))
            #expect(try await vault.note(.note, "note 1") == "after")
        }
    }

    @Test func `reads as an engine does`() async throws {
        try await Self.with(.memory) { place, vault in
            for number in 1...40 { try await vault.put(.note, "note \(number)", "text") }
            let source = try await vault.backup(at: someTime, counting: .note)
            try await Self.write(source, to: "\(place.path)/backup")
            let file = try BackupFile(path: "\(place.path)/backup")
            let memory = MemoryEngine()
            let all = try file.range([], after: nil, order: .ascending, limit: .max)
            try memory.commit(all.map { EngineChange(key: $0.key, expecting: 0, becomes: .init(revision: $0.revision, value: $0.value)) })
            for prefix in [[], [0x70], [0x03], [0x03, 0], [0x7F]] as [[UInt8]] {
                for after in [nil, [0x03], [0x70], all[20].key, all[20].key + [0], [0xFF]] as [[UInt8]?] {
                    for order in [RangeOrder.ascending, .descending] {
                        for limit in [1, 7, 1000] {
                            let (one, other) = (
                                try file.range(prefix, after: after, order: order, limit: limit),
                                try memory.range(prefix, after: after, order: order, limit: limit)
                            )
                            #expect(one == other, "\(prefix) \(after ?? []) \(order) \(limit)")
                        }
                    }
                }
            }
            for record in all { #expect(try file.get(record.key) == record) }
            #expect(try file.get([0x70]) == nil)
            #expect(throws: EngineError.self) { try file.commit([]) }
        }
    }

    @Test func `with any byte changed, or any piece of its end missing, is refused`() async throws {
        try await Self.with(.memory) { place, vault in
            try await vault.put(.note, "note", "text")
            let path = "\(place.path)/backup"
            try await Self.write(try await vault.backup(at: someTime, counting: .note), to: path)
            let whole = Array(try Data(contentsOf: URL(filePath: path)))
            // All of what is ours at both ends, samples of the records between: the checksum makes no difference between those.
            let places = whole.indices.filter { $0 < 200 || $0 % 31 == 0 || $0 > whole.count - 120 }
            var found: Set<String> = []
            for index in places {
                var changed = whole
                changed[index] ^= 1 << UInt8(index % 8)
                try Data(changed).write(to: URL(filePath: path))
                let error = #expect(throws: BackupError.self, "byte \(index)") { try BackupFile(path: path) }
                if let error { found.insert("\(error)".prefix { $0 != "(" }.description) }
            }
            #expect(found == ["notABackup", "newer", "changed", "cutOff"])
            for count in places {
                try Data(whole[..<count]).write(to: URL(filePath: path))
                let expected: BackupError = count == 0 ? .notABackup(path: path) : .cutOff(path: path)
                #expect(throws: expected, "\(count) bytes") { try BackupFile(path: path) }
            }
            try Data(whole + [0]).write(to: URL(filePath: path))
            #expect(throws: BackupError.cutOff(path: path)) { try BackupFile(path: path) }
            try Data(whole).write(to: URL(filePath: path))
            _ = try BackupFile(path: path)
        }
    }

    @Test func `that is something else, newer, or nothing at all, is refused as that`() async throws {
        try await Self.with(.sqlite) { place, vault in
            let path = "\(place.path)/backup"
            #expect(throws: BackupError.notABackup(path: "\(place.path)/engine.db")) { try BackupFile(path: "\(place.path)/engine.db") }
            #expect(throws: BackupError.unreadable(path: path, "No such file or directory")) { try BackupFile(path: path) }
            #expect(throws: BackupError.unreadable(path: place.path, "it is not a regular file")) { try BackupFile(path: place.path) }
            try await Self.write(try await vault.backup(at: someTime, counting: .note), to: path)
            var bytes = Array(try Data(contentsOf: URL(filePath: path)))
            bytes[15] = 2
            try Data(bytes).write(to: URL(filePath: path))
            #expect(throws: BackupError.newer(path: path, format: 2)) { try BackupFile(path: path) }
        }
    }

    @Test func `put together by somebody without the key passes for whole, and for nothing more`() async throws {
        try await Self.with(.memory) { place, vault in
            try await vault.put(.note, "note", "text")
            let path = "\(place.path)/backup"
            try await Self.write(try await vault.backup(at: someTime, counting: .note), to: path)
            var bytes = Array(try Data(contentsOf: URL(filePath: path)))
            let tail = 32 + 8
            // The time in the head is not sealed.
            let time = try #require(bytes.indices.first { bytes[$0...].starts(with: "1800000000000".utf8) })
            bytes[time] = UInt8(ascii: "2")
            let checksum = Blake2b.hash(Array(bytes.dropLast(tail)))
            bytes.replaceSubrange(bytes.count - tail..<bytes.count - 8, with: checksum)
            try Data(bytes).write(to: URL(filePath: path))
            let file = try BackupFile(path: path)
            #expect(throws: BackupError.forged(path: path)) { try file.requireGenuine(in: Self.opened(file)) }
            #expect(throws: VaultError.wrongKey) {
                try OpenVault.open(file, unlockKey: key(2), at: someTime, random: SeededRandom(seed: 9))
            }
        }
    }
}
