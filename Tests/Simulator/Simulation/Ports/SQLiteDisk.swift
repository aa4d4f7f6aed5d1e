import Foundation
import SQLiteEngine
import Vault

/// Real SQLite files in a folder of their own, removed at the end. A kill leaves them as they are; a power cut tears the log's end.
final class SQLiteDisk: Disk {
    private let folder: URL
    private var lives = 0
    private var inUse: SQLiteFile?

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("keyturn-simulator-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func file(_ life: Int, _ suffix: String = "") -> URL { folder.appendingPathComponent("vault-\(life).db\(suffix)") }

    func open() throws(VaultError) -> any Engine {
        if lives > 0 { leave() }
        lives += 1
        let engine = try SQLiteFile(path: file(lives).path, mode: lives == 1 ? .create : .open, lock: nil)
        inUse = engine
        return engine
    }

    /// What a killed process leaves: the file and its log, copied before the old connection tidies up.
    private func leave() {
        if !isTorn { copy(from: lives, to: lives + 1) }
        isTorn = false
        inUse?.close()
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(at: file(lives, suffix)) }
    }

    private var isTorn = false

    private func copy(from: Int, to: Int) {
        for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: file(from, suffix).path) {
            try? FileManager.default.copyItem(at: file(from, suffix), to: file(to, suffix))
        }
    }

    func tear(_ changes: [EngineChange], of engine: any Engine, at fraction: Double) {
        let before = (try? Data(contentsOf: file(lives, "-wal"))) ?? Data()
        try? engine.commit(changes)
        let after = (try? Data(contentsOf: file(lives, "-wal"))) ?? Data()
        copy(from: lives, to: lives + 1)
        // The new log's beginning, as far as it came, over the old one.
        let first = zip(before, after).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? min(before.count, after.count)
        let cut = first + Int(Double(after.count - first) * fraction)
        try? (after.prefix(cut) + before.dropFirst(cut)).write(to: file(lives + 1, "-wal"))
        isTorn = true
    }

    func discard() {
        inUse?.close()
        try? FileManager.default.removeItem(at: folder)
    }
}
