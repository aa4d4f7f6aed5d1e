package import Model
import Secrets

/// A backup being written, piece by piece: the head, the records, and, when whoever makes it has recorded that, the end.
package struct BackupStream: ~Copyable {
    private let snapshot: any EngineSnapshot
    private let vault: OpenVault
    private let head: BackupHead
    /// The tag of the records that are counted as configs.
    private let configTag: UInt8
    private var hash = Blake2bStream()
    private var last: [UInt8]?
    private var hasBegun = false
    package private(set) var summary = BackupSummary()

    /// About 100 KiB: bounds what is in memory, and how long a read takes.
    private static let pageSize = 128

    fileprivate init(_ source: BackupSource) {
        snapshot = source.snapshot
        vault = source.vault
        head = source.head
        configTag = source.configTag
    }

    /// `nil` after the last record.
    package mutating func next() throws(VaultError) -> [UInt8]? {
        guard hasBegun else {
            hasBegun = true
            let json = Array(RecordJSON.encode(head))
            return added(BackupFormat.magic + [BackupFormat.format] + BackupFormat.number(UInt64(json.count), bytes: 4) + json)
        }
        let page: [EngineRecord]
        do { page = try snapshot.page(after: last, limit: Self.pageSize) } catch { throw VaultError(error) }
        guard let end = page.last else { return nil }
        last = end.key
        var bytes: [UInt8] = []
        for record in page {
            bytes.append(BackupFormat.record)
            bytes += BackupFormat.number(UInt64(record.key.count), bytes: 4) + record.key
            bytes += BackupFormat.number(UInt64(bitPattern: record.revision), bytes: 8)
            bytes += BackupFormat.number(UInt64(record.value.count), bytes: 4)
            bytes += record.value
            summary.records += 1
            if record.key.first == configTag { summary.configs += 1 }
        }
        return added(bytes)
    }

    /// The last piece: without it no reader takes the file for a backup.
    package mutating func end() -> [UInt8] {
        let json = Array(RecordJSON.encode(summary))
        let content = added([BackupFormat.summary] + BackupFormat.number(UInt64(json.count), bytes: 4) + json)
        let mac = added(vault.backupMAC(of: hash.digest()))
        return content + mac + hash.digest() + BackupFormat.endMark
    }

    private mutating func added(_ bytes: [UInt8]) -> [UInt8] {
        hash.add(bytes)
        return bytes
    }

    deinit {
        snapshot.close()
    }
}

/// One state of an unsealed vault, to be written as a backup once.
package struct BackupSource: Sendable {
    fileprivate let snapshot: any EngineSnapshot
    fileprivate let vault: OpenVault
    fileprivate let configTag: UInt8
    package let head: BackupHead

    /// Closes the snapshot when it is done with.
    package func stream() -> BackupStream { BackupStream(self) }
}

extension VaultStore {
    /// The state as it is durable now. `configs`: what to count.
    package func backup<Config>(at time: Timestamp, counting configs: RecordKind<Config>) throws(VaultError) -> BackupSource {
        let vault = try openVault()
        let machine = try VaultView(vault: vault).vaultState().owner
        do throws(EngineError) {
            return BackupSource(
                snapshot: try vault.engine.snapshot(), vault: vault, configTag: configs.tag,
                head: BackupHead(madeAt: time, machine: machine, vaultFormat: OpenVault.format))
        } catch {
            throw VaultError(error)
        }
    }
}
