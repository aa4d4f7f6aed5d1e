import Foundation
import Glibc
import Testing
import Vault

/// A vault whose file was damaged, by whatever: either it is refused with what to do, or all that it gives is right.
/// `KEYTURN_EVERY_BYTE=1` tries every byte and every length; otherwise a sample, and all bytes that SQLite goes by.
@Suite struct `A vault's file` {
    private static let triesAll = ProcessInfo.processInfo.environment["KEYTURN_EVERY_BYTE"] != nil
    private static let pageBytes = 4096

    private static func expectFair(_ outcome: SmallVault.Outcome, _ comment: @autoclosure () -> Comment) {
        switch outcome {
        case .right: break
        case .wrong(let what): Issue.record("\(comment().rawValue): it gave something \(what)")
        case .refused(let error):
            #expect(
                [
                    "vault-damaged", "vault-altered", "vault-older", "not-a-vault", "vault-newer", "wrong-key",
                ].contains(error.code), "\(comment()): \(error)")
            #expect(!error.nextStep.isEmpty)
        }
    }

    /// The header of the file; of each page its header, the places of its cells, and the beginnings of what fills it from the end.
    private static func isGoneBy(_ index: Int) -> Bool {
        index < 100 || index % pageBytes < 48
    }

    @Test func `with a byte turned is refused, or all that it gives is right`() async throws {
        let vault = try await SmallVault()
        defer { vault.remove() }
        let whole = try #require(vault.files[SmallVault.database])
        var outcomes: [String: Int] = [:]
        for index in whole.indices where Self.triesAll || Self.isGoneBy(index) || index % 23 == 0 {
            for mask in Self.triesAll ? [0xFF, 1 << UInt8(index % 8)] : [index % 2 == 0 ? 0xFF : 1 << UInt8(index % 8)] as [UInt8] {
                var bytes = whole
                bytes[index] ^= mask
                let outcome = try await vault.outcome(of: bytes)
                Self.expectFair(outcome, "byte \(index) ^ \(mask)")
                outcomes[outcome.name, default: 0] += 1
            }
        }
        #expect(outcomes["right", default: 0] > 0 && outcomes.keys.count(where: { $0.hasPrefix("damaged") }) > 5, "\(outcomes)")
    }

    @Test func `cut to any length is refused, but for what the last page does not use`() async throws {
        let vault = try await SmallVault()
        defer { vault.remove() }
        let whole = try #require(vault.files[SmallVault.database])
        for length in whole.indices where Self.triesAll || length % Self.pageBytes < 2 || length % 97 == 0 {
            let outcome = try await vault.outcome(of: Array(whole.prefix(length)))
            Self.expectFair(outcome, "cut to \(length)")
            if length <= whole.count - Self.pageBytes {
                guard case .refused(let error) = outcome else {
                    Issue.record("cut to \(length): \(outcome)")
                    continue
                }
                #expect(["vault-damaged", "not-a-vault"].contains(error.code), "cut to \(length): \(error)")
                // SQLite fills up a page that was begun.
                let left = try #require(vault.bytes(SmallVault.database)?.count)
                #expect(left < length + Self.pageBytes, "nothing is made in place of what is lost")
            }
        }
    }

    @Test func `with two records that changed places is refused by the kind of one`() async throws {
        let vault = try await SmallVault()
        defer { vault.remove() }
        try vault.restore()
        let kinds: [UInt8: String] = [
            0x01: "header", 0x02: "slot", 0x03: "audit entry", 0x04: "intake key", 0x05: "intake key list", 0x06: "vault state",
            0x07: "slot list", 0x08: "index key", 0x09: "vault key", 0x70: "note", 0x71: "memo",
            0x72: "jewel",
        ]
        let records = try vault.withEngine { try $0.range([], after: nil, order: .ascending, limit: 1000) }
        #expect(records.count > 20)
        for (index, one) in records.enumerated() {
            for other in records[(index + 1)...] {
                try vault.restore()
                try vault.withEngine { try Self.swap(one, other, in: $0) }
                let outcome = try await vault.outcome()
                let named = [one, other].compactMap { kinds[$0.key[0]] }
                // Both slots hold the same root key, wrapped for different keys: each says which it is.
                if named == ["slot", "slot"] { continue }
                if case .refused(.damaged(let kind)) = outcome, named.contains(kind) {
                } else {
                    Issue.record("\(named) in each other's place: \(outcome)")
                }
            }
        }
    }

    private static func swap(_ one: EngineRecord, _ other: EngineRecord, in engine: any Engine) throws {
        try engine.commit([
            EngineChange(key: one.key, expecting: one.revision, becomes: .init(revision: other.revision, value: other.value)),
            EngineChange(key: other.key, expecting: other.revision, becomes: .init(revision: one.revision, value: one.value)),
        ])
    }

    @Test func `that is missing, empty, foreign or no file is refused for what it is, and nothing is made in its place`() async throws {
        let vault = try await SmallVault()
        defer { vault.remove() }
        let whole = try #require(vault.files[SmallVault.database])
        let path = vault.path(SmallVault.database)
        let changed = { (offset: Int, bytes: [UInt8]) in whole[..<offset] + bytes + whole[(offset + bytes.count)...] }
        let cases: [(String, [UInt8]?, VaultError)] = [
            ("missing", nil, .damagedDatabase("\(path) is not there, while the rest of it is")),
            ("of no length", [], .notAVault(path: path)),
            ("all zeros", [UInt8](repeating: 0, count: whole.count), .notAVault(path: path)),
            ("of another application", Array(changed(68, [0, 0, 0, 1])), .notAVault(path: path)),
            ("of a newer format", Array(changed(60, [0, 0, 0, 99])), .newer(format: 99)),
        ]
        for (what, bytes, refusal) in cases {
            var files = vault.files
            files[SmallVault.database] = bytes
            files["\(SmallVault.database)-wal"] = Array("left behind".utf8)
            #expect(try await vault.outcome(of: files) == .refused(refusal), "\(what)")
            #expect(vault.bytes(SmallVault.database) == bytes, "\(what): left as it was")
        }
        try vault.restore()
        unlink(path)
        mkdir(path, 0o700)
        #expect(try await vault.outcome() == .refused(.notAVault(path: path)))
    }

    @Test func `whose write-ahead log was damaged or cut is refused as older, or all that it gives is right`() async throws {
        let vault = try await SmallVault()
        defer { vault.remove() }
        #expect(try await vault.outcome(of: vault.filesInUse) == .right)
        let log = try #require(vault.filesInUse[SmallVault.log])
        let frameBytes = 24 + Self.pageBytes
        #expect(log.count > 20 * frameBytes)
        var refused = 0
        for index in log.indices
        where index < 32 || (index - 32) % frameBytes < 24 && index % 5 == 0 || index % (Self.triesAll ? 7 : 4099) == 0 {
            var files = vault.filesInUse
            files[SmallVault.log]?[index] ^= 0xFF
            let flipped = try await vault.outcome(of: files)
            Self.expectFair(flipped, "byte \(index) of the log")
            if flipped != .right { refused += 1 }
            files[SmallVault.log] = Array(log.prefix(index))
            let cut = try await vault.outcome(of: files)
            Self.expectFair(cut, "the log cut to \(index)")
            guard case .refused(.older) = cut else {
                Issue.record("the log cut to \(index): \(cut)")
                continue
            }
        }
        #expect(refused > 100)
    }

    @Test func `beside leftovers that mean nothing gives what is right`() async throws {
        let vault = try await SmallVault()
        defer { vault.remove() }
        for leftover in ["-wal", "-shm"] {
            for bytes in [[], [0x37], [UInt8](repeating: 0x37, count: 40_000)] as [[UInt8]] {
                var files = vault.files
                files[SmallVault.database + leftover] = bytes
                #expect(try await vault.outcome(of: files) == .right, "\(leftover) of \(bytes.count) bytes")
            }
        }
    }
}

extension SmallVault.Outcome {
    /// For counting.
    fileprivate var name: String {
        switch self {
        case .right: "right"
        case .wrong: "wrong"
        case .refused(.damaged(let kind)): "damaged \(kind)"
        case .refused(let error): error.code
        }
    }
}
