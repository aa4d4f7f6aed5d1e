import Foundation
import Model
import SQLiteEngine
import Secrets
import TestSupport
import Vault

/// A small vault on disk, as bytes: damaged, opened and read to the end as often as a test wants. The records are the tests' own, and the
/// vault's.
struct SmallVault {
    private let place: VaultPlace
    private let folder: VaultFolder
    /// The whole vault as it was closed: path below the place, and content.
    let files: [String: [UInt8]]
    /// The same before it was closed, as a kill would have left it: the write-ahead log holds most of it.
    let filesInUse: [String: [UInt8]]
    /// What reading all of it gives.
    private let contents: [String]

    static let database = "vault/vault.db"
    static let log = "vault/vault.db-wal"

    private static let names = (1...7).map { "note \($0)" }
    private static let probe = "probe"

    init() async throws {
        place = try VaultPlace()
        folder = VaultFolder(path: "\(place.path)/vault")
        try folder.create { (engine) throws(VaultError) in
            let random = SeededRandom(seed: 5)
            let recovery = BoxKeyPair(random: random).publicKey
            try OpenVault.create(in: engine, unlockKey: key(1), recovery: recovery, owner: nil, at: someTime, random: random)
        }
        let store = try await Self.unsealed(folder)
        for name in Self.names { try await store.put(.note, name, "the content of \(name)") }
        try await store.put(.memo, "note 1", "a memo of the same name")
        // Longer than a page, and what is left of something longer still.
        try await store.put(.memo, "long", String(repeating: "long ", count: 900))
        try await store.put(.memo, "short", String(repeating: "once long ", count: 600))
        try await store.put(.memo, "short", "short by now")
        for name in ["ruby", "opal"] { try await store.putJewel(name, "a jewel called \(name)") }
        contents = try await Self.everything(in: store)
        await store.mirrorCounter()
        filesInUse = try Self.files(below: place.path)
        await store.seal()
        files = try Self.files(below: place.path)
    }

    func remove() { place.remove() }

    // MARK: Damaging

    /// What became of an attempt to use it.
    enum Outcome: Equatable {
        /// Refused with this, at the opening or later.
        case refused(VaultError)
        /// Every value was right, after a write too.
        case right
        case wrong(String)
    }

    /// Puts the files there, which may be damaged ones, and uses them as the daemon does: opens, writes, reads all; and does it again.
    func outcome(of files: [String: [UInt8]]) async throws -> Outcome {
        try put(files)
        return try await outcome()
    }

    func outcome(of database: [UInt8]) async throws -> Outcome {
        var files = files
        files[Self.database] = database
        return try await outcome(of: files)
    }

    /// Of what lies there. A process that another test begins at this moment holds the vault's lock until it runs its program.
    func outcome() async throws -> Outcome {
        var outcome = try await attempt()
        while case .refused(.inUse) = outcome { outcome = try await attempt() }
        return outcome
    }

    private func attempt() async throws -> Outcome {
        do {
            for _ in 1...2 {
                let store = try await Self.unsealed(folder)
                let outcome: Outcome
                do {
                    try await Self.putProbe(in: store)
                    outcome = compared(try await Self.everything(in: store), contents + ["\(Self.probe) = was here"])
                } catch {
                    await store.seal()
                    throw error
                }
                await store.seal()
                guard outcome == .right else { return outcome }
            }
            return .right
        } catch let error as VaultError {
            return .refused(error)
        }
    }

    private func compared(_ found: [String], _ expected: [String]) -> Outcome {
        if found == expected { return .right }
        return .wrong("\(Set(found).symmetricDifference(expected).sorted().prefix(3))")
    }

    private func put(_ files: [String: [UInt8]]) throws {
        let manager = FileManager.default
        for name in try manager.contentsOfDirectory(atPath: place.path) { try manager.removeItem(atPath: "\(place.path)/\(name)") }
        try manager.createDirectory(atPath: folder.path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        for (name, bytes) in files {
            guard manager.createFile(atPath: path(name), contents: Data(bytes), attributes: [.posixPermissions: 0o600]) else {
                throw CocoaError(.fileWriteUnknown)
            }
        }
    }

    func path(_ name: String) -> String { "\(place.path)/\(name)" }

    /// Puts all back as it was.
    func restore() throws { try put(files) }

    /// As it lies there now.
    func bytes(_ name: String) -> [UInt8]? { FileManager.default.contents(atPath: path(name)).map(Array.init) }

    /// The database by itself, for who changes records; closed afterwards.
    func withEngine<Result>(_ body: (any Engine) throws -> Result) throws -> Result {
        let engine = try SQLiteFile(path: path(Self.database), mode: .open, lock: nil)
        defer { engine.close() }
        return try body(engine)
    }

    // MARK: Reading

    private static func unsealed(_ folder: VaultFolder) async throws -> VaultStore {
        let store = VaultStore(
            audience: Listener(), mirror: CounterFile(path: folder.defaultCounterFile),
            kindNames: [0x70: "note", 0x71: "memo", 0x72: "jewel"])
        let random = SeededRandom(seed: 6)
        try await store.unseal(ordinary) { () throws(VaultError) in try folder.open(unlockKey: key(1), at: someTime, random: random) }
        return store
    }

    /// Every record, by its name and in its list; a line each. The log's entry for the probe is left out.
    private static func everything(in store: VaultStore) async throws -> [String] {
        var lines: [String] = []
        for name in names { lines.append("\(name) = \(try await store.note(.note, name) ?? "none")") }
        for name in ["note 1", "long", "short"] { lines.append("memo \(name) = \(try await store.note(.memo, name) ?? "none")") }
        for name in ["ruby", "opal"] { lines.append("jewel \(name) = \(try await store.jewel(name) ?? "none")") }
        lines += try await store.read { view in
            let keys = try view.intakeKeys().keys
            let pairs = try keys.map { key in
                "intake \(key.id) = \(try view.intakeKeyPair(id: key.id, at: someTime)?.publicKey.bytes == key.publicBytes)"
            }
            let memos = try view.list(.memo, limit: 100).map { "listed \($0.value.text)" }.sorted()
            let notes = try view.list(.note, limit: 100).map { "listed \($0.value.text)" }.filter { $0 != "listed was here" }.sorted()
            let entries = try view.list(.audit, limit: 100).filter { $0.value.event.event != "probe" }.map { "entry \($0.value)" }
            return pairs + memos + notes + entries
        }
        if let probe = try await store.note(.note, probe) { lines.append("\(Self.probe) = \(probe)") }
        return lines
    }

    private static func putProbe(in store: VaultStore) async throws {
        try await store.write { transaction in
            try transaction.put(.note, .named(probe), Note(text: "was here"))
            return .changed((), AuditEvent(at: someTime, "probe", by: nil))
        }
    }

    private static func files(below path: String) throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
            guard let bytes = FileManager.default.contents(atPath: "\(path)/\(name)"), !name.hasSuffix("/lock") else { continue }
            files[name] = Array(bytes)
        }
        return files
    }
}
