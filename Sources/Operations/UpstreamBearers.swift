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

    /// For a rotation that has begun: a refresh that it needs is recorded out of the reserve on a full disk.
    package nonisolated func bearer(of upstream: UpstreamAddress) async throws -> Bearer? {
        try await bearer(of: upstream, for: .begun)
    }

    nonisolated func bearer(of upstream: UpstreamAddress, for work: VaultStore.Work) async throws -> Bearer? {
        let name = upstream.name
        if let opened = opened.withLock({ $0[name] }), opened.address.isTrusted(like: upstream), !isExpired(opened.expiresAt) {
            return opened.bearer
        }
        guard let record = try await record(of: name), record.address.isTrusted(like: upstream) else { return nil }
        if record.bearer == .refreshToken, isExpired(record.tokenExpiresAt) || !record.hasAccessToken {
            _ = try await renew(name, refused: record.bearerGeneration, for: work)
        }
        return try await bearerAtHand(of: upstream)
    }

    /// The one that is stored, without a refresh: it may have expired.
    nonisolated func bearerAtHand(of upstream: UpstreamAddress) async throws -> Bearer? {
        let name = upstream.name
        // In one look: a token is of one generation, and goes to one address.
        let found = try await vault.read { view -> Opened? in
            guard let record = try view.get(.upstream, .named(name)), record.address.isTrusted(like: upstream),
                let token = try view.get(.accessToken, .named(name))
            else { return nil }
            let bearer = Bearer(token: SharedSecret(token), generation: record.bearerGeneration)
            return Opened(bearer: bearer, address: record.address, expiresAt: record.tokenExpiresAt)
        }
        guard let found else { return nil }
        opened.withLock { $0[name] = found }
        return found.bearer
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
        try await renew(upstream, refused: generation, for: .begun)
    }

    private func renew(_ upstream: UpstreamName, refused generation: Int, for work: VaultStore.Work) async throws -> Bool {
        forget(upstream)
        if let refresh = refreshes[upstream] { return try await refresh.value }
        guard let record = try await record(of: upstream) else { return false }
        if record.bearerGeneration > generation { return true }
        guard record.bearer == .refreshToken else { return false }
        // Another caller may have begun one while this one read.
        if let refresh = refreshes[upstream] { return try await refresh.value }
        let refresh = Task(executorPreference: executor) { try await self.refresh(record, for: work) }
        refreshes[upstream] = refresh
        defer { refreshes[upstream] = nil }
        return try await refresh.value
    }

    private nonisolated func record(of upstream: UpstreamName) async throws -> UpstreamRecord? {
        try await vault.read { try $0.get(.upstream, .named(upstream)) }
    }

    /// Throws when the vault did not take the intent: then nothing was sent.
    private nonisolated func refresh(_ record: UpstreamRecord, for work: VaultStore.Work) async throws -> Bool {
        guard let token = try await begin(record, for: work) else { return false }
        switch await targets.target(at: record.address).refresh(with: token.secret) {
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

    /// The refresh token, once it is durable that it goes out. `nil` when there is none to use: the operator has changed the bearer or its address
    /// meanwhile, or another copy of the vault may have used it up.
    private nonisolated func begin(_ begun: UpstreamRecord, for work: VaultStore.Work) async throws -> SharedSecret? {
        let now = clock.now()
        let name = begun.name
        return try await vault.write(work) { transaction in
            guard var record = try transaction.get(.upstream, .named(name)), record.isSameBearer(as: begun),
                let token = try transaction.get(.refreshToken, .named(name))
            else { return .unchanged(nil) }
            if let quarantine = try transaction.vaultState().quarantine, record.hasSuspectRefreshToken(in: quarantine) {
                return .unchanged(nil)
            }
            record.isRefreshOpen = true
            try transaction.put(.upstream, .named(name), record)
            return .changed(SharedSecret(token), AuditEvent(at: now, "upstream.refresh-begun", by: nil, upstream: name))
        }
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
        _ begun: UpstreamRecord, _ event: String, outcome: String?, reason: String?,
        change: @escaping @Sendable (inout UpstreamRecord) -> Void
    ) async throws {
        let now = clock.now()
        try await vault.write(.begun) { transaction in
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
