import Model
import Rotations
import Secrets
import Vault

extension VaultService {
    /// How often it looks for what is past its time, at the least.
    private static let eraseInterval = Duration.seconds(30)

    /// Erases, for as long as the daemon runs, what is past its time: previous versions after their grace, rejected ones, configs removed long ago,
    /// Idempotency-Keys after a day, used boxes that nobody could use again.
    package func eraseWhatIsDue() async {
        var tidiedAt: Duration?
        while !Task.isCancelled {
            let now = clock.uptime()
            if tidiedAt.map({ now - $0 >= Self.tidyInterval }) ?? true {
                try? await reindexErasures()
                await eraseIdempotencyKeys()
                // Sealed, or a full disk: the next hour will do.
                try? await renewIntakeKey()
                await eraseUsedBoxes()
                tidiedAt = now
            }
            await clock.sleep(for: await eraseOnce())
        }
    }

    /// Nothing depends on when these go.
    private static let tidyInterval = Duration.seconds(3600)

    /// Idempotency-Keys are remembered for a day.
    package func eraseIdempotencyKeys() async {
        let (now, age) = (clock.now(), limits.idempotencyAge)
        await erase(.idempotency, "idempotency-keys.erased") { _ in { now - $0.at >= age } }
    }

    /// Boxes that nobody could use again: past their expiry, or sealed to an intake key that is gone.
    package func eraseUsedBoxes() async {
        let now = clock.now()
        await erase(.usedBox, "used-boxes.erased") { view in
            let keys = try Set(view.intakeKeys().keys.map(\.id))
            return { box in
                box.keyID.map { !keys.contains($0) } ?? false || box.expiresAt.map { $0 + Self.usedBoxMargin < now } ?? false
            }
        }
    }

    /// A clock that goes back must not bring an expired box to life.
    private static let usedBoxMargin = Duration.seconds(30 * 86_400)

    /// Drops those of a kind that are too old to matter; `judge` makes what tells them.
    private func erase<Value: Decodable & Sendable>(
        _ kind: RecordKind<Value>, _ event: String, _ judge: @escaping @Sendable (VaultView) throws -> (Value) -> Bool
    ) async {
        let now = clock.now()
        var cursor: [UInt8]?
        repeat {
            let from = cursor
            let page = try? await read { view in
                let isOld = try judge(view)
                return try view.list(kind, after: from, limit: 256).map { ($0.cursor, isOld($0.value)) }
            }
            guard let page else { return }
            let old = page.filter(\.1).map(\.0)
            if !old.isEmpty {
                try? await write { transaction in
                    for key in old { try transaction.delete(at: key) }
                    return .changed((), AuditEvent(at: now, event, by: nil, outcome: "\(old.count)"))
                }
            }
            cursor = page.last?.0
        } while cursor != nil
    }

    /// Reads only what is due. Returns how long nothing more can become due.
    package func eraseOnce() async -> Duration {
        let now = clock.now()
        var cursor: [UInt8]?
        repeat {
            let from = cursor
            guard let page = try? await read({ try $0.list(.erasure, after: from, limit: Self.erasedAtOnce) }) else { break }
            for stored in page {
                guard stored.value.at <= now else { return min(max(stored.value.at - now, .seconds(1)), Self.eraseInterval) }
                try? await erase(stored.value.config, at: now)
            }
            cursor = page.last?.cursor
        } while cursor != nil
        return Self.eraseInterval
    }

    private static let erasedAtOnce = 32

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
            try transaction.scheduleErasure(of: &config, limits)
            try transaction.put(.config, .named(name), config)
            return .changed((), AuditEvent(at: now, "version.erased", by: nil, config: name, version: erased.first))
        }
    }

    /// Brings an index of before, which was by config, into order of time.
    func reindexErasures() async throws {
        let limits = limits
        let now = clock.now()
        while true {
            let page = try await read { try $0.list(.erasureByConfig, limit: 256) }
            guard !page.isEmpty else { return }
            try await write { transaction in
                for stored in page {
                    try transaction.delete(at: stored.cursor)
                    guard var config = try transaction.get(.config, .named(stored.value.config)) else { continue }
                    try transaction.scheduleErasure(of: &config, limits)
                    try transaction.put(.config, .named(config.name), config)
                }
                return .changed((), AuditEvent(at: now, "erasures.reindexed", by: nil, outcome: "\(page.count)"))
            }
        }
    }
}
