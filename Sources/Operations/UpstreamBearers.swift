package import Model
package import Rotations
import Secrets
import Synchronization
package import Vault

/// The upstreams' bearers out of the vault, refreshed when they must be: one refresh an upstream at a time, its intent durable before it is
/// sent, what came back kept until it is durable.
package actor UpstreamBearers: BearerKeeper {
    private let vault: VaultStore
    private let targets: any TargetProvider
    private let clock: any RotationClock
    /// Where refreshes run: they outlive the caller that began them.
    private let executor: (any TaskExecutor)?
    private var refreshes: [Refresh: Task<BearerRenewal, any Error>] = [:]
    private nonisolated let memory = Mutex(Memory())
    private nonisolated let tell = Mutex<(@Sendable (UpstreamName) -> Void)?>(nil)

    /// What is at hand of the open vault's tokens.
    private struct Memory {
        /// What was opened last, for the many requests of one upstream. Dropped whenever the stored one changes or is refused.
        var opened: [UpstreamName: Opened] = [:]
        var held: [UpstreamName: HeldTokens] = [:]
        /// Grows with whatever is dropped: what was read before is not kept after.
        var drops = 0
        /// Grows with each vault that goes or comes: a refresh that was begun over another one is none of this one's.
        var vaults = 0

        mutating func drop(_ upstream: UpstreamName) {
            opened[upstream] = nil
            drops += 1
        }
    }

    /// One that is under way over another vault is none of this one's.
    private struct Refresh: Hashable {
        let upstream: UpstreamName
        let vaults: Int
    }

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

    package nonisolated func whenRefreshed(_ tell: @escaping @Sendable (UpstreamName) -> Void) {
        self.tell.withLock { $0 = tell }
    }

    /// For a rotation that has begun: a refresh that it needs is recorded out of the reserve on a full disk.
    package nonisolated func bearer(of upstream: UpstreamAddress) async throws -> BearerSupply {
        try await bearer(of: upstream, for: .begun)
    }

    nonisolated func bearer(of upstream: UpstreamAddress, for work: VaultStore.Work) async throws -> BearerSupply {
        let name = upstream.name
        if let opened = memory.withLock({ $0.opened[name] }), opened.address.isTrusted(like: upstream), !isExpired(opened.expiresAt) {
            return .bearer(opened.bearer)
        }
        await storeHeld(of: name)
        guard let record = try await record(of: name), record.address.isTrusted(like: upstream) else {
            return .lacking(.token(nil), generation: 0)
        }
        var lack = BearerLack.token(nil)
        if held(for: record) == nil, record.bearer == .refreshToken, isExpired(record.tokenExpiresAt) || !record.hasAccessToken,
            case .lacking(let why) = try await renew(name, refused: record.bearerGeneration, for: work)
        {
            lack = why
            // The refresh token may be as good as ever, and a 401 on what has expired would only use it once more.
            if case .refresh = why { return .lacking(lack, generation: record.bearerGeneration) }
        }
        guard let bearer = try await bearerAtHand(of: upstream) else { return .lacking(lack, generation: record.bearerGeneration) }
        return .bearer(bearer)
    }

    /// The newest that there is, without a refresh: it may have expired.
    nonisolated func bearerAtHand(of upstream: UpstreamAddress) async throws -> Bearer? {
        let name = upstream.name
        let (drops, held) = memory.withLock { ($0.drops, $0.held[name]) }
        // In one look: a token is of one generation, and goes to one address.
        let found = try await vault.read { view -> Opened? in
            guard let record = try view.get(.upstream, .named(name)), record.address.isTrusted(like: upstream) else { return nil }
            if let held, held.belong(to: record) {
                return Opened(bearer: held.bearer, address: record.address, expiresAt: held.tokens.expiresAt)
            }
            guard let token = try view.get(.accessToken, .named(name)) else { return nil }
            let bearer = Bearer(token: SharedSecret(token), generation: record.bearerGeneration)
            return Opened(bearer: bearer, address: record.address, expiresAt: record.tokenExpiresAt)
        }
        guard let found else { return nil }
        memory.withLock { memory in
            // As long as tokens are held, each use tries to store them.
            if memory.drops == drops, memory.held[name] == nil { memory.opened[name] = found }
        }
        return found.bearer
    }

    package nonisolated func generation(of upstream: UpstreamAddress) async throws -> Int {
        guard let record = try await record(of: upstream.name), record.address.isTrusted(like: upstream) else { return 0 }
        let newest = held(for: record)?.generation ?? record.bearerGeneration
        memory.withLock { memory in
            if let opened = memory.opened[record.name], opened.bearer.generation < newest { memory.drop(record.name) }
        }
        return newest
    }

    /// A token that dies while a request is under way is as good as dead.
    private nonisolated func isExpired(_ expiry: Timestamp?) -> Bool {
        expiry.map { $0 - Self.expiryMargin < clock.now() } ?? false
    }

    /// The stored one has changed or goes.
    nonisolated func forget(_ upstream: UpstreamName) {
        memory.withLock { $0.drop(upstream) }
    }

    /// The vault is sealed, or another one may come: nothing of it is left in memory.
    nonisolated func forgetAll() {
        memory.withLock { memory in
            memory = Memory(drops: memory.drops + 1, vaults: memory.vaults + 1)
        }
    }

    package func renew(_ upstream: UpstreamName, refused generation: Int) async throws -> BearerRenewal {
        try await renew(upstream, refused: generation, for: .begun)
    }

    private func renew(_ upstream: UpstreamName, refused generation: Int, for work: VaultStore.Work) async throws -> BearerRenewal {
        forget(upstream)
        let key = Refresh(upstream: upstream, vaults: memory.withLock(\.vaults))
        if let refresh = refreshes[key] { return try await refresh.value }
        if let held = held(of: upstream) {
            // What is refreshed next is what came back last, and that is not durable yet.
            do { try await store(held) } catch  where held.generation > generation { return .renewed }
        }
        guard let record = try await record(of: upstream) else { return .lacking(.token(nil)) }
        if record.bearerGeneration > generation { return .renewed }
        guard record.bearer == .refreshToken else { return .lacking(.token(nil)) }
        // Another caller may have begun one while this one read.
        if let refresh = refreshes[key] { return try await refresh.value }
        let refresh = Task(executorPreference: executor) { try await self.refresh(record, for: work) }
        refreshes[key] = refresh
        defer { refreshes[key] = nil }
        return try await refresh.value
    }

    private nonisolated func record(of upstream: UpstreamName) async throws -> UpstreamRecord? {
        try await vault.read { try $0.get(.upstream, .named(upstream)) }
    }

    /// Throws when the vault did not take the intent: then nothing was sent.
    private nonisolated func refresh(_ record: UpstreamRecord, for work: VaultStore.Work) async throws -> BearerRenewal {
        guard let refresh = try await begin(record, for: work) else { return .lacking(.token(nil)) }
        switch await targets.target(at: record.address).refresh(with: refresh.token.secret) {
        case .refreshed(let tokens):
            let isKept = await keep(HeldTokens(tokens, for: record), of: refresh.vaults)
            return isKept ? .renewed : .lacking(.refresh(Reason("another vault was opened meanwhile")))
        // The vault's trouble from here on shows where it writes next: the backend's answer stands all the same.
        case .refused(let reason):
            let why =
                record.isRefreshOpen ? "\(reason.what); an earlier one, whose outcome is unknown, may have used the token up" : reason.what
            let refused = Reason("the refresh was refused: \(why)", backendMessage: reason.backendMessage)
            try? await note(record, "upstream.refresh-ended", outcome: "refused", reason: reason.what) { [now = clock.now()] in
                $0.isRefreshOpen = false
                $0.bearerLoss = $0.bearerLoss ?? UpstreamRecord.BearerLoss(reason: refused.what, at: now)
            }
            return .lacking(.token(refused))
        case .notSent(let reason):
            try? await note(record, "upstream.refresh-ended", outcome: "not-sent", reason: reason.what) {
                $0.isRefreshOpen = record.isRefreshOpen
            }
            return .lacking(.refresh(reason))
        case .unknown(let reason):
            // The token may or may not be used up; it is tried again next time, and `isRefreshOpen` says so.
            try? await note(record, "upstream.refresh-ended", outcome: "unknown", reason: reason.what) { _ in }
            return .lacking(.refresh(reason))
        }
    }

    /// The refresh token, once it is durable that it goes out. `nil` when there is none to use: the operator has changed the bearer or its address
    /// meanwhile, or another copy of the vault may have used it up.
    private nonisolated func begin(_ begun: UpstreamRecord, for work: VaultStore.Work) async throws -> Begun? {
        let now = clock.now()
        let name = begun.name
        return try await vault.write(work) { [self] transaction in
            guard var record = try transaction.get(.upstream, .named(name)), record.isSameBearer(as: begun),
                let token = try transaction.get(.refreshToken, .named(name))
            else { return .unchanged(nil) }
            if let quarantine = try transaction.vaultState().quarantine, record.hasSuspectRefreshToken(in: quarantine) {
                return .unchanged(nil)
            }
            record.isRefreshOpen = true
            try transaction.put(.upstream, .named(name), record)
            let refresh = Begun(token: SharedSecret(token), vaults: memory.withLock(\.vaults))
            return .changed(refresh, AuditEvent(at: now, "upstream.refresh-begun", by: nil, upstream: name))
        }
    }

    private struct Begun {
        let token: SharedSecret
        let vaults: Int
    }

    // MARK: What came back

    /// The old token may be used up: what came back stays at hand, and may be used, until it is stored, the vault is sealed, or the operator
    /// has set another bearer. False when the vault is another one by now.
    private nonisolated func keep(_ tokens: HeldTokens, of vaults: Int) async -> Bool {
        let isKept = memory.withLock { memory in
            guard memory.vaults == vaults else { return false }
            memory.held[tokens.upstream] = tokens
            // While the refresh was out, others may have opened the old one again.
            memory.drop(tokens.upstream)
            return true
        }
        guard isKept else { return false }
        try? await store(tokens)
        let tell = tell.withLock(\.self)
        tell?(tokens.upstream)
        return true
    }

    /// Tries again what could not be stored so far.
    nonisolated func storeHeld() async {
        for name in memory.withLock({ Array($0.held.keys) }).sorted(by: { $0.description < $1.description }) { await storeHeld(of: name) }
    }

    private nonisolated func storeHeld(of upstream: UpstreamName) async {
        if let held = held(of: upstream) { try? await store(held) }
    }

    private nonisolated func held(of upstream: UpstreamName) -> HeldTokens? {
        memory.withLock { $0.held[upstream] }
    }

    private nonisolated func held(for record: UpstreamRecord) -> HeldTokens? {
        held(of: record.name).flatMap { $0.belong(to: record) ? $0 : nil }
    }

    /// Lets go of them once they are stored, or found to belong to what was: the bearer or the upstream's address was changed meanwhile.
    private nonisolated func store(_ tokens: HeldTokens) async throws {
        let now = clock.now()
        let name = tokens.upstream
        let expiresAt = tokens.tokens.expiresAt
        // One that is over when it comes tells of clocks that differ: it is refreshed when it is refused.
        let believed = isExpired(expiresAt) ? nil : expiresAt
        try await vault.write(.begun) { [self] transaction in
            // The vault may be another one by now.
            guard held(of: name) === tokens, var record = try transaction.get(.upstream, .named(name)), tokens.belong(to: record) else {
                return .unchanged(())
            }
            record.isRefreshOpen = false
            record.bearerLoss = nil
            record.hasAccessToken = true
            record.bearerGeneration = tokens.generation
            record.tokenExpiresAt = believed
            try transaction.put(.upstream, .named(name), record)
            try transaction.put(.accessToken, .named(name), tokens.tokens.access)
            switch tokens.tokens.refresh {
            case .some(let refresh): try transaction.put(.refreshToken, .named(name), refresh)
            case .none: break
            }
            return .changed((), AuditEvent(at: now, "upstream.refresh-ended", by: nil, upstream: name, outcome: "refreshed"))
        }
        memory.withLock { memory in
            guard memory.held[name] === tokens else { return }
            memory.held[name] = nil
            memory.drop(name)
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
}

/// What a refresh brought, until it is stored.
private final class HeldTokens: Sendable {
    let tokens: RefreshedTokens
    private let begun: UpstreamRecord

    init(_ tokens: consuming RefreshedTokens, for begun: UpstreamRecord) {
        self.tokens = tokens
        self.begun = begun
    }

    var upstream: UpstreamName { begun.name }

    /// The one that they get when they are stored.
    var generation: Int { begun.bearerGeneration + 1 }

    var bearer: Bearer { Bearer(token: SharedSecret(tokens.access.clone()), generation: generation) }

    func belong(to record: UpstreamRecord) -> Bool { record.isSameBearer(as: begun) }
}

extension UpstreamRecord {
    /// Whether nobody changed the bearer or where it goes since.
    fileprivate func isSameBearer(as begun: UpstreamRecord) -> Bool {
        bearerGeneration == begun.bearerGeneration && address.isTrusted(like: begun.address)
    }
}
