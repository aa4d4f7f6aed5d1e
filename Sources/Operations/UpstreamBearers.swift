package import Model
package import Rotations
import Secrets
import Synchronization
package import Vault

/// The upstreams' bearers out of the vault, refreshed when they must be: one refresh an upstream at a time,
/// its intent durable before it is sent, what came back durable before it is used.
package actor UpstreamBearers: BearerKeeper {
    private let vault: VaultStore
    private let targets: any TargetProvider
    private let clock: any RotationClock
    /// Where refreshes run: they outlive the caller that began them.
    private let executor: (any TaskExecutor)?
    private var refreshes: [UpstreamName: Task<Bool, any Error>] = [:]
    /// What was opened last, for the many requests of one upstream. Dropped whenever the stored one changes or is refused.
    private nonisolated let opened = Mutex<[UpstreamName: Opened]>([:])

    private struct Opened {
        let bearer: Bearer
        let address: UpstreamAddress
        let expiresAt: Timestamp?
    }

    /// A token that dies sooner is refreshed before it is used: a request may take its time.
    private static let expiryMargin = Duration.seconds(30)

    package init(vault: VaultStore, targets: any TargetProvider, clock: any RotationClock, executor: (any TaskExecutor)? = nil) {
        self.vault = vault
        self.targets = targets
        self.clock = clock
        self.executor = executor
    }

    package nonisolated func bearer(of upstream: UpstreamAddress) async throws -> Bearer? {
        let name = upstream.name
        if let opened = opened.withLock({ $0[name] }), opened.address.isTrusted(like: upstream), !isExpired(opened.expiresAt) {
            return opened.bearer
        }
        guard let record = try await record(of: name), record.address.isTrusted(like: upstream) else { return nil }
        if record.bearer == .refreshToken, isExpired(record.tokenExpiresAt) || !record.hasAccessToken {
            _ = try await renew(name, refused: record.bearerGeneration)
        }
        return try await bearerAtHand(of: upstream)
    }

    /// The one that is stored, without a refresh: it may have expired.
    nonisolated func bearerAtHand(of upstream: UpstreamAddress) async throws -> Bearer? {
        let name = upstream.name
        guard
            let found = try await vault.readSecret({ view in
                guard let record = try view.get(.upstream, .named(name)), record.address.isTrusted(like: upstream) else { return nil }
                return try view.get(.accessToken, .named(name))
            }), let record = try await self.record(of: name), record.address.isTrusted(like: upstream)
        else { return nil }
        let bearer = Bearer(token: SharedSecret(found), generation: record.bearerGeneration)
        opened.withLock { $0[name] = Opened(bearer: bearer, address: record.address, expiresAt: record.tokenExpiresAt) }
        return bearer
    }

    /// A token that dies while a request is under way is as good as dead.
    private nonisolated func isExpired(_ expiry: Timestamp?) -> Bool {
        expiry.map { $0 - Self.expiryMargin < clock.now() } ?? false
    }

    /// The stored one has changed or goes.
    nonisolated func forget(_ upstream: UpstreamName) {
        opened.withLock { $0[upstream] = nil }
    }

    /// Nothing is left in memory when the vault is sealed.
    nonisolated func forgetAll() {
        opened.withLock { $0 = [:] }
    }

    package func renew(_ upstream: UpstreamName, refused generation: Int) async throws -> Bool {
        forget(upstream)
        if let refresh = refreshes[upstream] { return try await refresh.value }
        guard let record = try await record(of: upstream) else { return false }
        if record.bearerGeneration > generation { return true }
        guard record.bearer == .refreshToken else { return false }
        // Another caller may have begun one while this one read.
        if let refresh = refreshes[upstream] { return try await refresh.value }
        let refresh = Task(executorPreference: executor) { try await self.refresh(record) }
        refreshes[upstream] = refresh
        defer { refreshes[upstream] = nil }
        return try await refresh.value
    }

    private nonisolated func record(of upstream: UpstreamName) async throws -> UpstreamRecord? {
        try await vault.read { try $0.get(.upstream, .named(upstream)) }
    }

    /// Throws when the vault did not take the intent: then nothing was sent.
    private nonisolated func refresh(_ record: UpstreamRecord) async throws -> Bool {
        let name = record.name
        guard let token = try await vault.readSecret({ try $0.get(.refreshToken, .named(name)) }) else { return false }
        if let quarantine = try await vault.read({ try $0.vaultState().quarantine }), record.hasSuspectRefreshToken(in: quarantine) {
            return false
        }
        try await note(record, "upstream.refresh-begun", outcome: nil, reason: nil, .new) { $0.isRefreshOpen = true }
        switch await targets.target(at: record.address).refresh(with: token) {
        case .refreshed(let tokens): return await store(tokens, for: record)
        // The vault's trouble from here on shows where it writes next: the backend's answer stands all the same.
        case .refused(let reason):
            try? await note(record, "upstream.refresh-ended", outcome: "refused", reason: reason.what) { [now = clock.now()] in
                $0.isRefreshOpen = false
                $0.bearerLoss = $0.bearerLoss ?? UpstreamRecord.BearerLoss(reason: "the refresh was refused: \(reason.what)", at: now)
            }
        case .notSent(let reason):
            try? await note(record, "upstream.refresh-ended", outcome: "not-sent", reason: reason.what) { $0.isRefreshOpen = false }
        case .unknown(let reason):
            // The token may or may not be used up; it is tried again next time, and `isRefreshOpen` says so.
            try? await note(record, "upstream.refresh-ended", outcome: "unknown", reason: reason.what) { _ in }
        }
        return false
    }

    /// The old token may be used up: what came back is kept until it is stored, or until the operator has set another bearer.
    private nonisolated func store(_ tokens: consuming RefreshedTokens, for begun: UpstreamRecord) async -> Bool {
        let new = NewTokens(tokens)
        for _ in 0..<Self.storeTries {
            if let isStored = try? await put(new, for: begun) { return isStored }
            await clock.sleep(for: .seconds(1))
        }
        return false
    }

    /// A minute's worth: a disk that is full for longer wants an operator anyway.
    private static let storeTries = 60

    /// False when the bearer or the upstream's address was changed meanwhile: what came back belongs to what was.
    private nonisolated func put(_ new: NewTokens, for begun: UpstreamRecord) async throws -> Bool {
        let now = clock.now()
        let name = begun.name
        return try await vault.write(.begun) { transaction in
            guard var record = try transaction.get(.upstream, .named(name)), record.isSameBearer(as: begun) else {
                return .unchanged(false)
            }
            record.isRefreshOpen = false
            record.bearerLoss = nil
            record.hasAccessToken = true
            record.bearerGeneration += 1
            record.tokenExpiresAt = new.tokens.expiresAt
            try transaction.put(.upstream, .named(name), record)
            try transaction.put(.accessToken, .named(name), new.tokens.access)
            switch new.tokens.refresh {
            case .some(let refresh): try transaction.put(.refreshToken, .named(name), refresh)
            case .none: break
            }
            return .changed(true, AuditEvent(at: now, "upstream.refresh-ended", by: nil, upstream: name, outcome: "refreshed"))
        }
    }

    private nonisolated func note(
        _ begun: UpstreamRecord, _ event: String, outcome: String?, reason: String?, _ work: VaultStore.Work = .begun,
        change: @escaping @Sendable (inout UpstreamRecord) -> Void
    ) async throws {
        let now = clock.now()
        try await vault.write(work) { transaction in
            guard var record = try transaction.get(.upstream, .named(begun.name)), record.isSameBearer(as: begun) else {
                return .unchanged(())
            }
            change(&record)
            try transaction.put(.upstream, .named(begun.name), record)
            return .changed((), AuditEvent(at: now, event, by: nil, upstream: begun.name, outcome: outcome, reason: reason))
        }
    }

    /// Carries what can't be copied into the transaction's closure.
    private final class NewTokens: Sendable {
        let tokens: RefreshedTokens
        init(_ tokens: consuming RefreshedTokens) { self.tokens = tokens }
    }
}

extension UpstreamRecord {
    /// Whether nobody changed the bearer or where it goes since.
    fileprivate func isSameBearer(as begun: UpstreamRecord) -> Bool {
        bearerGeneration == begun.bearerGeneration && address.isTrusted(like: begun.address)
    }
}
