package import Access
package import Model
import Rotations
import Secrets
import Vault

/// An upstream as the operator wants it.
package struct UpstreamSettings: Sendable, Equatable {
    package var address: UpstreamAddress
    package var allowsPlainHTTP: Bool

    package init(address: UpstreamAddress, allowsPlainHTTP: Bool) {
        self.address = address
        self.allowsPlainHTTP = allowsPlainHTTP
    }
}

extension VaultService {
    /// Makes or changes an upstream. Changing URL, CA or pin drops its bearer, unless a new one comes along.
    package func putUpstream(_ name: UpstreamName, _ settings: UpstreamSettings, bearer box: IncomingBox?, as caller: Caller) async throws {
        try caller.require(.bind, on: .everything)
        let now = clock.now()
        let bound = try await configsBound(to: name)
        try await write { transaction in
            let before = try transaction.get(.upstream, .named(name))
            var record = before ?? UpstreamRecord(name: name, address: settings.address, allowsPlainHTTP: false, createdAt: now)
            if let before, before.configs > 0, !before.address.isTrusted(like: settings.address) {
                guard before.configs == bound.count else {
                    throw Problem(
                        .changedMeanwhile, "The upstream '\(name)' got another config meanwhile.", nextStep: "keyturn upstream show \(name)"
                    )
                }
                try transaction.requireNothingPinned(bound.keys, to: before, becoming: settings.address)
            }
            if let before, before.address.baseURL != settings.address.baseURL {
                try transaction.rebind(bound, from: before.address.baseURL, to: settings.address.baseURL)
            }
            if !record.address.isTrusted(like: settings.address) {
                try transaction.loseBearer(of: &record, because: "it was given for another address, CA or pin", at: now)
            }
            record.address = settings.address
            record.allowsPlainHTTP = settings.allowsPlainHTTP
            if let box { try transaction.takeBearer(box, for: &record, at: now) }
            try transaction.put(.upstream, .named(name), record)
            return .changed(
                (),
                AuditEvent(
                    at: now, before == nil ? "upstream.created" : "upstream.changed", by: caller.audited, upstream: name,
                    outcome: record.bearer.rawValue))
        }
        bearers.forget(name)
        if box != nil { runner.bearerChanged(of: name) }
    }

    package func upstream(_ name: UpstreamName, as caller: Caller) async throws -> UpstreamRecord {
        try caller.require(.bind, on: .everything)
        return try await read { try $0.upstream(name) }
    }

    package func upstreams(after: [UInt8]?, limit: Int, as caller: Caller) async throws -> (items: [UpstreamRecord], next: [UInt8]?) {
        try caller.require(.bind, on: .everything)
        let page = try await read { try $0.list(.upstream, after: after, limit: limit) }
        return (page.map(\.value), page.count < limit ? nil : page.last?.cursor)
    }

    package func removeUpstream(_ name: UpstreamName, as caller: Caller) async throws {
        try caller.require(.bind, on: .everything)
        let now = clock.now()
        try await write { transaction in
            let record = try transaction.upstream(name)
            guard record.configs == 0 else {
                throw Problem(
                    .upstreamInUse,
                    "The upstream '\(name)' has \(record.configs) config\(record.configs == 1 ? "" : "s") bound to it, removed ones that can still come back included: bind them elsewhere, or erase them by 'keyturn config remove NAME --purge'.",
                    nextStep: "keyturn config list")
            }
            try transaction.delete(.accessToken, .named(name))
            try transaction.delete(.refreshToken, .named(name))
            try transaction.delete(.upstream, .named(name))
            return .changed((), AuditEvent(at: now, "upstream.removed", by: caller.audited, upstream: name))
        }
        bearers.forget(name)
    }

    private func configsBound(to name: UpstreamName) async throws -> [ConfigName: RemoteID] {
        guard try await read({ try $0.get(.upstream, .named(name)) })?.configs ?? 0 > 0 else { return [:] }
        return try await read { view in
            var bound: [ConfigName: RemoteID] = [:]
            var cursor: [UInt8]?
            repeat {
                let page = try view.list(.config, after: cursor, limit: 256)
                for stored in page where stored.value.binding.upstream == name { bound[stored.value.name] = stored.value.binding.remoteID }
                cursor = page.last?.cursor
            } while cursor != nil
            return bound
        }
    }
}

extension UpstreamAddress {
    /// Whether a bearer given for one may go to the other.
    func isTrusted(like other: UpstreamAddress) -> Bool {
        baseURL == other.baseURL && caPEM == other.caPEM && pinSHA256 == other.pinSHA256
    }
}

extension Transaction {
    /// A rotation under way, and a way back, belong to the place where they began.
    fileprivate func requireNothingPinned(
        _ configs: some Collection<ConfigName>, to upstream: UpstreamRecord, becoming address: UpstreamAddress
    ) throws {
        let moves = upstream.address.baseURL != address.baseURL
        for name in configs {
            guard let config = try get(.config, .named(name)) else { continue }
            if let id = config.unfinished, try get(.rotation, .timed(id))?.machine.isCancellable == true {
                throw Problem(
                    .bindingInUse, "The rotation \(id) of '\(name)' waits to be sent to where the upstream '\(upstream.name)' is now.",
                    nextStep: NextStep.cancel(id))
            }
            let isHeldThere = config.version(.previous) != nil || !config.othersThatMayBeHeld(but: config.version(.current)?.number).isEmpty
            guard config.unfinished != nil || (moves && isHeldThere) else { continue }
            throw Problem(
                .bindingInUse,
                "The upstream '\(upstream.name)' can't go elsewhere while a config bound to it, such as '\(name)', has a rotation under way, a previous version, or one that may be what the backend holds; another upstream can be set up beside it.",
                nextStep: "keyturn config list")
        }
    }

    fileprivate mutating func rebind(_ configs: [ConfigName: RemoteID], from old: BaseURL, to new: BaseURL) throws {
        for (name, id) in configs {
            if let other = try get(.binding, BindingRecord.key(new, id)), other.config != name {
                throw Problem(.alreadyBound, "At \(new), the remote configuration '\(id)' is bound to another config already.")
            }
            try delete(.binding, BindingRecord.key(old, id))
            try put(.binding, BindingRecord.key(new, id), BindingRecord(config: name))
            guard var config = try get(.config, .named(name)) else { continue }
            config.goesElsewhere()
            try put(.config, .named(name), config)
        }
    }

    /// The same where nobody asked for that: why it is gone stays to be seen.
    mutating func loseBearer(of record: inout UpstreamRecord, because reason: String, at now: Timestamp) throws {
        guard record.bearer != .none else { return }
        try dropBearer(of: &record)
        record.bearerLoss = UpstreamRecord.BearerLoss(reason: reason, at: now)
    }

    private mutating func dropBearer(of record: inout UpstreamRecord) throws {
        record.bearer = .none
        record.bearerLoss = nil
        record.hasAccessToken = false
        record.tokenExpiresAt = nil
        record.isRefreshOpen = false
        record.bearerGeneration += 1
        try delete(.accessToken, .named(record.name))
        try delete(.refreshToken, .named(record.name))
    }

    fileprivate mutating func takeBearer(_ box: IncomingBox, for record: inout UpstreamRecord, at now: Timestamp) throws {
        let content = try take(box, for: .upstreamToken, target: record.name.description, at: now).content
        try dropBearer(of: &record)
        record.bearerQuarantine = try vaultState().quarantine?.id
        switch content.fields {
        case ["access_token"]:
            let token = try usableToken(content, "access_token")
            try put(.accessToken, .named(record.name), token)
            record.bearer = .accessToken
            record.hasAccessToken = true
            record.tokenExpiresAt = JSONWebToken.expirySeconds(token).map { Timestamp(milliseconds: $0 * 1000) }
        case ["refresh_token"]:
            let token = try usableToken(content, "refresh_token")
            try put(.refreshToken, .named(record.name), token)
            record.bearer = .refreshToken
        default: throw Problem(.badRequest, "The box must hold 'access_token' or 'refresh_token', and nothing else.")
        }
    }

    private func usableToken(_ content: borrowing GuardedJSON, _ field: String) throws -> Secret {
        guard let token = content.secret(field) else { throw Problem.badField(field, InvalidValue("a string")) }
        try requireUsable(token, field)
        // RFC 6750: what a bearer token may consist of; anything else can't stand in a header.
        let isToken = token.withBytes { bytes in (0..<bytes.byteCount).allSatisfy { (0x21...0x7E).contains(bytes.byte($0)) } }
        guard isToken else { throw Problem.badField(field, InvalidValue("printable ASCII without spaces")) }
        return token
    }
}
