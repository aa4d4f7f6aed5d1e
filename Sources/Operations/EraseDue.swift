import Model
import Rotations
import Secrets
import Vault

extension VaultService {
    /// How often it looks for what is past its time, at the least.
    private static let eraseInterval = Duration.seconds(30)

    /// Erases, for as long as the daemon runs, what is past its time: previous versions after their grace, rejected ones, configs removed long ago,
    /// Idempotency-Keys after a day.
    package func eraseWhatIsDue() async {
        var keysErasedAt: Timestamp?
        while !Task.isCancelled {
            let now = clock.now()
            if keysErasedAt.map({ now - $0 >= Self.keyInterval }) ?? true {
                await eraseIdempotencyKeys()
                // Sealed, or a full disk: the next hour will do.
                try? await renewIntakeKey()
                keysErasedAt = now
            }
            await clock.sleep(for: await eraseOnce())
        }
    }

    private static let keyInterval = Duration.seconds(3600)

    /// Idempotency-Keys are remembered for a day.
    package func eraseIdempotencyKeys() async {
        let now = clock.now()
        let age = limits.idempotencyAge
        var cursor: [UInt8]?
        repeat {
            let from = cursor
            guard let page = try? await read({ try $0.list(.idempotency, after: from, limit: 256) }) else { return }
            let old = page.filter { now - $0.value.at >= age }.map(\.cursor)
            if !old.isEmpty {
                try? await write { transaction in
                    for key in old { try transaction.delete(at: key) }
                    return .changed((), AuditEvent(at: now, "idempotency-keys.erased", by: nil, outcome: "\(old.count)"))
                }
            }
            cursor = page.last?.cursor
        } while cursor != nil
    }

    /// Returns how long nothing more can become due.
    package func eraseOnce() async -> Duration {
        let now = clock.now()
        var wait = Self.eraseInterval
        var cursor: [UInt8]?
        repeat {
            let from = cursor
            guard let page = try? await read({ try $0.list(.erasure, after: from, limit: 256) }) else { break }
            for stored in page {
                if stored.value.at <= now {
                    try? await erase(stored.value.config, at: now)
                } else {
                    wait = min(wait, stored.value.at - now)
                }
            }
            cursor = page.last?.cursor
        } while cursor != nil
        return max(wait, .seconds(1))
    }

    private func erase(_ name: ConfigName, at now: Timestamp) async throws {
        let limits = limits
        try await write { transaction in
            guard var config = try transaction.get(.config, .named(name)) else { return .unchanged(()) }
            if let removedAt = config.removedAt {
                guard removedAt + limits.removalAge <= now, try transaction.quarantine(of: config) == nil else { return .unchanged(()) }
                try transaction.purge(config)
                return .changed((), AuditEvent(at: now, "config.purged", by: nil, config: name))
            }
            let erased = try transaction.eraseWhatMayGo(in: &config, at: now)
            guard !erased.isEmpty else { return .unchanged(()) }
            try transaction.put(.config, .named(name), config)
            try transaction.scheduleErasure(of: config)
            return .changed((), AuditEvent(at: now, "version.erased", by: nil, config: name, version: erased.first))
        }
    }
}
