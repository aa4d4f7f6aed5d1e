import Foundation
import GRDB
package import Vault

/// The embedded engine: one table in one SQLite file, every commit on the disk before it returns.
package final class SQLiteFile: Engine {
    private let path: String
    private let queue: DatabaseQueue
    package let reserve: (any Reserve)?
    private let lock: FolderLock?

    /// `PRAGMA application_id`: "ktrn".
    static let applicationID = 0x6B74_726E
    static let schema = 1
    private static let pageBytes = 4096
    /// SQLite's page cache, in KiB: the working set of rotations is small.
    private static let cacheKiB = 512

    package enum Mode {
        case create, open
    }

    /// `lock` is held until `close`.
    package init(path: String, mode: Mode, lock: consuming FolderLock?) throws(VaultError) {
        self.path = path
        self.lock = lock
        let reserve = ReserveFile(folder: URL(filePath: path).deletingLastPathComponent().path)
        self.reserve = reserve
        while true {
            do throws(VaultError) {
                queue = try Self.connect(path, mode)
                return
            } catch {
                // Even to read, SQLite makes a log and its index beside the file: on a full disk they take what was kept back.
                guard error == .diskFull, reserve.release() else { throw error }
            }
        }
    }

    private static func connect(_ path: String, _ mode: Mode) throws(VaultError) -> DatabaseQueue {
        var configuration = Configuration()
        configuration.maximumReaderCount = 1
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA cache_size = -\(cacheKiB)")
            try database.execute(sql: "PRAGMA secure_delete = ON")
            try database.execute(sql: "PRAGMA temp_store = MEMORY")
            // Whoever can write the disk could write the schema and damage pages: https://sqlite.org/security.html.
            try database.execute(sql: "PRAGMA trusted_schema = OFF")
            try database.execute(sql: "PRAGMA cell_size_check = ON")
        }
        configuration.journalMode = .wal
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            switch mode {
            case .create: try create(in: queue)
            case .open: try check(queue, path)
            }
            // GRDB sets NORMAL for WAL after prepareDatabase; a commit that a power cut can undo is not durable.
            try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            // A file that can't be opened for writing just now SQLite opens for reading, and says so at the first write only.
            try queue.inTransaction(.immediate) { _ in .rollback }
            guard synchronous(queue) == 2 else { throw VaultError.failed("SQLite does not sync its commits") }
            return queue
        } catch let error as VaultError {
            throw error
        } catch {
            throw VaultError(engineError(error, path))
        }
    }

    /// How it syncs, in SQLite's numbers: 2 is FULL.
    package var synchronous: Int? { Self.synchronous(queue) }

    private static func synchronous(_ queue: DatabaseQueue) -> Int? {
        try? queue.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA synchronous") }
    }

    private static let table = """
        CREATE TABLE record (
            key BLOB NOT NULL PRIMARY KEY,
            revision INTEGER NOT NULL,
            value BLOB NOT NULL
        ) WITHOUT ROWID, STRICT
        """

    private static func create(in queue: DatabaseQueue) throws {
        try queue.write { database in
            try database.execute(sql: "PRAGMA application_id = \(applicationID)")
            try database.execute(sql: "PRAGMA user_version = \(schema)")
            try database.execute(sql: table)
        }
    }

    private static func check(_ queue: DatabaseQueue, _ path: String) throws {
        let (application, version, tables) = try queue.read { database in
            (
                try Int.fetchOne(database, sql: "PRAGMA application_id"), try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0,
                try String.fetchAll(database, sql: "SELECT sql FROM sqlite_schema")
            )
        }
        guard application == applicationID else { throw VaultError.notAVault(path: path) }
        guard version <= schema else { throw VaultError.newer(format: version) }
        // A view or a trigger could answer in the table's place.
        guard tables == [table] else { throw VaultError.damagedDatabase("\(path) does not have its one table") }
    }

    package func get(_ key: [UInt8]) throws(EngineError) -> EngineRecord? {
        try run { database in
            let statement = try database.cachedStatement(sql: "SELECT key, revision, value FROM record WHERE key = ?")
            let record = try Row.fetchOne(statement, arguments: [Data(key)]).map(Self.record)
            guard record.map({ $0.key == key }) ?? true else {
                throw EngineError.damaged("SQLite found another key than the one asked for")
            }
            return record
        }
    }

    package func range(_ prefix: [UInt8], after: [UInt8]?, order: RangeOrder, limit: Int) throws(EngineError) -> [EngineRecord] {
        let end = Self.successor(of: prefix)
        return try run { database in
            let sql =
                switch order {
                case .ascending: "SELECT key, revision, value FROM record WHERE key > ? AND key >= ? AND key < ? ORDER BY key LIMIT ?"
                case .descending:
                    "SELECT key, revision, value FROM record WHERE key < ? AND key >= ? AND key < ? ORDER BY key DESC LIMIT ?"
                }
            let start = after ?? (order == .ascending ? [] : end)
            let statement = try database.cachedStatement(sql: sql)
            let records = try Row.fetchAll(statement, arguments: [Data(start), Data(prefix), Data(end), limit]).map(Self.record)
            // A page that another one stands for comes twice, or out of order.
            let isOrdered = zip(records, records.dropFirst()).allSatisfy { one, next in
                order == .ascending ? one.key.lexicographicallyPrecedes(next.key) : next.key.lexicographicallyPrecedes(one.key)
            }
            guard isOrdered else { throw EngineError.damaged("keys are not in their order") }
            return records
        }
    }

    package func commit(_ changes: [EngineChange]) throws(EngineError) {
        do {
            try queue.writeWithoutTransaction { database in
                try database.inTransaction(.immediate) {
                    for change in changes { try Self.apply(change, database) }
                    return .commit
                }
            }
        } catch {
            throw Self.engineError(error, path)
        }
    }

    private static func apply(_ change: EngineChange, _ database: Database) throws {
        let key = Data(change.key)
        switch (change.becomes, change.expecting) {
        case (let content?, 0):
            try database.cachedStatement(sql: "INSERT INTO record (key, revision, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
                .execute(arguments: [key, content.revision, Data(content.value)])
        case (let content?, let expecting):
            try database.cachedStatement(sql: "UPDATE record SET revision = ?, value = ? WHERE key = ? AND revision = ?")
                .execute(arguments: [content.revision, Data(content.value), key, expecting])
        case (nil, let expecting):
            try database.cachedStatement(sql: "DELETE FROM record WHERE key = ? AND revision = ?").execute(arguments: [key, expecting])
        }
        guard database.changesCount == 1 else { throw EngineError.conflict }
    }

    package func snapshot() throws(EngineError) -> any EngineSnapshot {
        do { return try SQLiteSnapshot(path: path) } catch { throw Self.engineError(error, path) }
    }

    package func rewrite(
        _ becoming: (EngineRecord) throws(VaultError) -> EngineChange.Content?, last: () throws(VaultError) -> [EngineChange]
    ) throws(VaultError) {
        do {
            try queue.writeWithoutTransaction { database in
                try database.inTransaction(.immediate) {
                    var after: [UInt8] = []
                    while true {
                        let page = try Self.page(of: database, after: after, limit: Self.rewritePage)
                        for record in page {
                            let content = try becoming(record)
                            if content == EngineChange.Content(revision: record.revision, value: record.value) { continue }
                            try Self.apply(EngineChange(key: record.key, expecting: record.revision, becomes: content), database)
                        }
                        guard let end = page.last else { break }
                        after = end.key
                    }
                    for change in try last() { try Self.apply(change, database) }
                    return .commit
                }
            }
        } catch let error as VaultError {
            throw error
        } catch {
            throw VaultError(Self.engineError(error, path))
        }
    }

    /// Records of all kinds in the order of their keys.
    static func page(of database: Database, after: [UInt8], limit: Int) throws -> [EngineRecord] {
        let statement = try database.cachedStatement(sql: "SELECT key, revision, value FROM record WHERE key > ? ORDER BY key LIMIT ?")
        return try Row.fetchAll(statement, arguments: [Data(after), limit]).map(record)
    }

    /// So many records are in memory at once while all are rewritten.
    private static let rewritePage = 256

    package func keepCopy(named name: String) throws(EngineError) {
        try KeptCopies(of: path).make(named: name) { (draft) throws(EngineError) in
            do { try queue.writeWithoutTransaction { try $0.execute(sql: "VACUUM INTO ?", arguments: [draft]) } } catch {
                throw Self.engineError(error, path)
            }
        }
    }

    package func forgetReplaced() throws(EngineError) {
        // Whoever still reads an earlier state keeps the log as it is; SQLite says so in the first column, and not by an error.
        let isBusy: Bool
        do { isBusy = try queue.writeWithoutTransaction { try Bool.fetchOne($0, sql: "PRAGMA wal_checkpoint(TRUNCATE)") ?? true } } catch {
            throw Self.engineError(error, path)
        }
        try KeptCopies(of: path).remove()
        if isBusy { throw .failed("the write-ahead log is still read") }
    }

    /// A page whose list of free bytes is damaged gives all its records, until something new is written over one of them.
    package func requireSound() throws(EngineError) {
        let found = try run { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") ?? "nothing" }
        guard found == "ok" else { throw .damaged("SQLite's check found: \(found.prefix(200).replacing("\n", with: " "))") }
    }

    package func close() {
        try? queue.close()
        lock?.release()
    }

    /// A damaged page may hold anything in place of the column's type; asking for another one would trap.
    static func record(_ row: Row) throws(EngineError) -> EngineRecord {
        let (key, revision, value): (DatabaseValue, DatabaseValue, DatabaseValue) = (row[0], row[1], row[2])
        guard case .blob(let key) = key.storage, case .int64(let revision) = revision.storage, case .blob(let value) = value.storage else {
            throw .damaged("a record has a column of another type")
        }
        return EngineRecord(key: Array(key), revision: revision, value: Array(value))
    }

    /// The first key that does not begin with `prefix`; prefixes never consist of 0xFF alone.
    private static func successor(of prefix: [UInt8]) -> [UInt8] {
        var end = prefix
        while let last = end.last {
            if last < 0xFF {
                end[end.count - 1] = last + 1
                return end
            }
            end.removeLast()
        }
        return [0xFF]
    }

    private func run<Output>(_ body: (Database) throws -> Output) throws(EngineError) -> Output {
        do { return try queue.unsafeRead(body) } catch { throw Self.engineError(error, path) }
    }

    static func engineError(_ error: any Error, _ path: String) -> EngineError {
        switch error {
        case let error as EngineError: error
        case let error as DatabaseError:
            switch error.resultCode {
            case .SQLITE_FULL: .diskFull
            // What a full disk does to the files beside the database has no code of its own, nor has a quota.
            case .SQLITE_IOERR, .SQLITE_CANTOPEN: hasRoom(beside: path) ? .failed(words(error)) : .diskFull
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: .damaged(words(error))
            // All statements are our own and right: what they don't find is the table that they are for.
            case .SQLITE_ERROR: .damaged(words(error))
            default: .failed(words(error))
            }
        default: .failed("SQLite could not be used")
        }
    }

    private static func hasRoom(beside path: String) -> Bool {
        Disk.hasRoom(for: pageBytes, in: URL(filePath: path).deletingLastPathComponent().path)
    }

    /// The message alone: GRDB's description would add the statement and its arguments.
    private static func words(_ error: DatabaseError) -> String {
        "SQLite \(error.extendedResultCode.rawValue), \(error.message ?? "no message")"
    }
}
