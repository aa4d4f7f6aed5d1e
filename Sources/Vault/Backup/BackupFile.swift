import FoundationEssentials
import Glibc
import Secrets
import Synchronization

/// A backup on disk whose checksum and structure were found right. An engine that can only be read, so that a vault opens over it as over
/// any other.
package final class BackupFile: Engine {
    package let path: String
    package let head: BackupHead
    package let summary: BackupSummary
    /// Of everything up to the MAC.
    let digest: [UInt8]
    let mac: [UInt8]
    private let file: Mutex<Int32?>
    /// Where each record is, in the order of keys.
    private let places: [BackupWalk.Place]

    package init(path: String) throws(BackupError) {
        self.path = path
        // SAFETY: the path is a C string for the length of the call.
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: path, String(cString: strerror(errno))) }
        do throws(BackupError) {
            try BackupWalk.requireWhole(descriptor, path)
            let walk = try BackupWalk(descriptor, path)
            head = walk.head
            summary = walk.summary
            digest = walk.digest
            mac = walk.mac
            places = walk.places
            file = Mutex(descriptor)
        } catch {
            // SAFETY: the descriptor is ours and closed once.
            Glibc.close(descriptor)
            throw error
        }
    }

    /// That who has the vault's key made it, and that every record is what was sealed in its place.
    package func requireGenuine(in vault: OpenVault) throws {
        guard ConstantTime.equal(vault.backupMAC(of: digest), mac) else { throw BackupError.forged(path: path) }
        try vault.requireSound(names: RecordTag.names)
    }

    // MARK: As an engine

    package func get(_ key: [UInt8]) throws(EngineError) -> EngineRecord? {
        let index = firstIndex { !$0.lexicographicallyPrecedes(key) }
        guard index < places.count, places[index].key == key else { return nil }
        return try record(places[index])
    }

    package func range(_ prefix: [UInt8], after: [UInt8]?, order: RangeOrder, limit: Int) throws(EngineError) -> [EngineRecord] {
        let start = firstIndex { !$0.lexicographicallyPrecedes(prefix) }
        let end = firstIndex { prefix.lexicographicallyPrecedes($0) && !$0.starts(with: prefix) }
        var found: [EngineRecord] = []
        switch order {
        case .ascending:
            let from = after.map { after in max(start, firstIndex { after.lexicographicallyPrecedes($0) }) } ?? start
            for place in places[min(from, end)..<end].prefix(limit) { found.append(try record(place)) }
        case .descending:
            let to = after.map { after in min(end, firstIndex { !$0.lexicographicallyPrecedes(after) }) } ?? end
            for place in places[start..<max(start, to)].suffix(limit).reversed() { found.append(try record(place)) }
        }
        return found
    }

    /// Of the first key for which `isPast` is true, as it is for all after it.
    private func firstIndex(_ isPast: ([UInt8]) -> Bool) -> Int {
        var (low, high) = (0, places.count)
        while low < high {
            let middle = (low + high) / 2
            if isPast(places[middle].key) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private func record(_ place: BackupWalk.Place) throws(EngineError) -> EngineRecord {
        guard let file = file.withLock({ $0 }), let value = FileBytes.read(file, at: place.offset, count: place.count) else {
            throw .failed("the backup \(path) can't be read any more")
        }
        return EngineRecord(key: place.key, revision: place.revision, value: value)
    }

    package func commit(_ changes: [EngineChange]) throws(EngineError) { throw Self.onlyRead }

    package func rewrite(
        _ becoming: (EngineRecord) throws(VaultError) -> EngineChange.Content?, last: () throws(VaultError) -> [EngineChange]
    ) throws(VaultError) {
        throw VaultError(Self.onlyRead)
    }

    package func keepCopy(named name: String) throws(EngineError) { throw Self.onlyRead }

    package func forgetReplaced() throws(EngineError) { throw Self.onlyRead }

    private static let onlyRead = EngineError.failed("a backup is not written to")

    package func snapshot() throws(EngineError) -> any EngineSnapshot { BackupPages(file: self) }

    package var reserve: (any Reserve)? { nil }

    package func close() {
        file.withLock { file in
            // SAFETY: the descriptor is ours and closed once.
            if let open = file { Glibc.close(open) }
            file = nil
        }
    }

    deinit { close() }
}

/// A file that never changes is a snapshot of itself.
private struct BackupPages: EngineSnapshot {
    let file: BackupFile

    func page(after: [UInt8]?, limit: Int) throws(EngineError) -> [EngineRecord] {
        try file.range([], after: after, order: .ascending, limit: limit)
    }

    func close() {}
}
