import Foundation
import GRDB
import Vault

/// One committed state of the file, read on a connection of its own: a read transaction that later commits don't show in.
/// While it is open the write-ahead log can't be shortened.
final class SQLiteSnapshot: EngineSnapshot {
    private let path: String
    private let queue: DatabaseQueue

    init(path: String) throws {
        self.path = path
        var configuration = Configuration()
        configuration.readonly = true
        // It stays open from here to `close`.
        configuration.allowsUnsafeTransactions = true
        queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.writeWithoutTransaction { database in
            try database.execute(sql: "BEGIN DEFERRED TRANSACTION")
            // The state is chosen by the first read.
            _ = try Row.fetchOne(database, sql: "SELECT 1 FROM record LIMIT 1")
        }
    }

    func page(after: [UInt8]?, limit: Int) throws(EngineError) -> [EngineRecord] {
        do {
            return try queue.writeWithoutTransaction { try SQLiteFile.page(of: $0, after: after ?? [], limit: limit) }
        } catch {
            throw SQLiteFile.engineError(error, path)
        }
    }

    func close() {
        try? queue.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        try? queue.close()
    }
}
