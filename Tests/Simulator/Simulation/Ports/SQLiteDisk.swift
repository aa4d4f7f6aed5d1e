import Foundation
import SQLiteEngine
import Vault

/// Real SQLite files, one folder for each life, removed at the end. A kill leaves them as they are; a power cut tears the log's end.
final class SQLiteDisk: Disk {
    private let root: URL
    private var life = 0
    private var engine: SQLiteFile?
    /// What the next life finds was put together by a power cut.
    private var isTorn = false

    init() throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("keyturn-simulator-\(UUID().uuidString)")
    }

    private func folder(_ life: Int) -> URL { root.appendingPathComponent("\(life)") }
    private func database(_ life: Int) -> URL { folder(life).appendingPathComponent("vault.db") }
    private func log(_ life: Int) -> URL { folder(life).appendingPathComponent("vault.db-wal") }

    func open() throws(VaultError) -> any Engine {
        if !isTorn { makeNext() }
        isTorn = false
        // Whatever the last connection tidies up at its end is not what a killed process leaves.
        engine?.close()
        try? FileManager.default.removeItem(at: folder(life))
        life += 1
        let opened = try SQLiteFile(path: database(life).path, mode: life == 1 ? .create : .open, lock: nil)
        engine = opened
        return opened
    }

    /// What the next life finds: everything but the memory that the last one shared with itself.
    private func makeNext() {
        let files = FileManager.default
        guard life > 0 else {
            try? files.createDirectory(at: folder(1), withIntermediateDirectories: true)
            return
        }
        try? files.copyItem(at: folder(life), to: folder(life + 1))
        try? files.removeItem(at: folder(life + 1).appendingPathComponent("vault.db-shm"))
    }

    /// The new log's beginning, as far as it came, over the old one.
    func tear(_ engine: any Engine, at fraction: Double, _ write: (any Engine) throws -> Void) {
        let before = (try? Data(contentsOf: log(life))) ?? Data()
        try? write(engine)
        let after = (try? Data(contentsOf: log(life))) ?? Data()
        makeNext()
        isTorn = true
        let first = zip(before, after).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? min(before.count, after.count)
        let cut = first + Int(Double(after.count - first) * fraction)
        try? (after.prefix(cut) + before.dropFirst(cut)).write(to: log(life + 1))
    }

    func copied() throws -> [EngineRecord] {
        guard let engine else { return [] }
        return try engine.range([], after: nil, order: .ascending, limit: .max)
    }

    func replace(_ fill: (any Engine) throws -> Void) throws -> any Engine {
        engine?.close()
        try FileManager.default.removeItem(at: folder(life))
        life += 1
        try FileManager.default.createDirectory(at: folder(life), withIntermediateDirectories: true)
        let fresh = try SQLiteFile(path: database(life).path, mode: .create, lock: nil)
        engine = fresh
        try fill(fresh)
        return fresh
    }

    func discard() {
        engine?.close()
        try? FileManager.default.removeItem(at: root)
    }
}
