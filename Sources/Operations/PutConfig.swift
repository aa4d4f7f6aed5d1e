package import Access
package import Model
import Rotations
import Secrets
import Vault

/// A config as the operator wants it.
package struct ConfigSettings: Sendable, Equatable {
    package var binding: ConfigRecord.Binding
    package var every: Duration?
    package var grace: Duration
    package var proves: Bool
    package var description: String?

    package static let defaultGrace = Duration.seconds(86_400)

    package init(binding: ConfigRecord.Binding, every: Duration?, grace: Duration, proves: Bool, description: String?) {
        self.binding = binding
        self.every = every
        self.grace = grace
        self.proves = proves
        self.description = description
    }
}

/// What a change expects to find.
package enum Expectation: Sendable, Equatable {
    case anything
    case revision(Int64)
}

extension VaultService {
    /// Makes a config, or changes one. Changing where its keys go needs `bind` as well, and nothing under way.
    package func putConfig(_ name: ConfigName, _ settings: ConfigSettings, _ expectation: Expectation, as caller: Caller) async throws {
        try caller.require(.configure, on: .config(name))
        try check(settings)
        let upstream = try await read { try $0.upstream(settings.binding.upstream) }
        let before = try await read { try $0.get(.config, .named(name)) }
        let isRebound = before.map { $0.removedAt != nil || !$0.binding.isSameTarget(as: settings.binding) } ?? true
        if before?.binding != settings.binding { try caller.require(.bind, on: .config(name)) }
        let listed = isRebound ? try await listedFields(settings.binding.remoteID, upstream) : nil
        let now = clock.now()
        let mayRead = { @Sendable (other: ConfigName) in caller.may(.read, on: .config(other)) }
        try await write { transaction in
            let upstream = try transaction.upstream(settings.binding.upstream)
            let stored = try transaction.stored(.config, .named(name))
            if case .revision(let revision) = expectation, stored?.revision != revision {
                throw Problem(.changedMeanwhile, "The config '\(name)' is not as you saw it.", nextStep: NextStep.showConfig(name))
            }
            if let stored, stored.value.removedAt != nil {
                throw Problem(
                    .badRequest,
                    "A config '\(name)' was removed and can still come back; 'keyturn config remove \(name) --purge' erases it for good.",
                    nextStep: "keyturn config undelete \(name)")
            }
            var config = stored?.value ?? ConfigRecord(name, settings, at: now)
            if stored == nil, let numbering = try transaction.get(.numbering, .named(name)) { config.nextVersion = numbering.next }
            if stored == nil || !config.binding.isSameTarget(as: settings.binding) {
                try transaction.bind(&config, to: settings.binding, upstream, isNew: stored == nil, at: now, mayRead)
            }
            config.binding = settings.binding
            if let listed { config.remoteFields = listed }
            // A new one has no key yet that could have died.
            if stored == nil { config.released = try transaction.vaultState().quarantine?.id }
            config.take(settings, at: now)
            try transaction.put(.config, .named(name), config)
            return .changed(
                (),
                AuditEvent(
                    at: now, stored == nil ? "config.created" : "config.changed", by: caller.audited, config: name, upstream: upstream.name)
            )
        }
    }

    private func check(_ settings: ConfigSettings) throws(Problem) {
        if let every = settings.every, every < .seconds(60) {
            throw .badField("every_seconds", InvalidValue("at least 60"))
        }
        guard (Duration.zero...limits.graceMax).contains(settings.grace) else {
            throw .badField("grace_seconds", InvalidValue("from 0 to \(limits.graceMax.wholeSeconds)"))
        }
        if let description = settings.description {
            let isPlain = description.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
            guard description.utf8.count <= limits.textMax, isPlain else {
                throw .badField("description", InvalidValue("at most \(limits.textMax) bytes without control characters"))
            }
        }
    }

    /// A fresh look at the backend's list, where it has one.
    private func listedFields(_ id: RemoteID, _ upstream: UpstreamRecord) async throws -> RemoteFields? {
        guard case .bearer(let bearer) = try await bearers.bearer(of: upstream.address, for: .new) else { return nil }
        switch await targets.target(at: upstream.address).lookUp(id, noOlderThan: .zero, bearer: bearer.token.secret) {
        case .listed(_, usesSharedKey: true): throw Problem.sharedKey(id, nextStep: "keyturn config list")
        case .listed(let fields, usesSharedKey: false): return fields
        case .missing, .unauthorized, .unavailable: return nil
        }
    }
}

extension ConfigRecord {
    init(_ name: ConfigName, _ settings: ConfigSettings, at now: Timestamp) {
        self.init(
            name: name, binding: settings.binding, everySeconds: nil, graceSeconds: settings.grace.wholeSeconds, proves: settings.proves,
            createdAt: now)
    }

    mutating func take(_ settings: ConfigSettings, at now: Timestamp) {
        let every = settings.every?.wholeSeconds
        if every != everySeconds { dueAt = every.map { now + .seconds($0) } }  // never due at once
        everySeconds = every
        graceSeconds = settings.grace.wholeSeconds
        proves = settings.proves
        description = settings.description
    }

    /// What was proven and seen at one backend proves nothing at another.
    mutating func goesElsewhere() {
        for version in versions where version.state == .current {
            update(version.number) { current in
                current.proof = .unproven
                current.wasAccepted = false
            }
        }
        remoteFields = RemoteFields()
        failure = nil
    }
}

extension ConfigRecord.Binding {
    /// Whether a key would go to the same place.
    func isSameTarget(as other: Self) -> Bool {
        upstream == other.upstream && remoteID == other.remoteID
    }
}

extension Transaction {
    /// Moves a config to another remote configuration, which no other config may have.
    fileprivate mutating func bind(
        _ config: inout ConfigRecord, to binding: ConfigRecord.Binding, _ upstream: UpstreamRecord, isNew: Bool, at now: Timestamp,
        _ mayRead: (ConfigName) -> Bool
    ) throws {
        try requireNothingUnfinished(in: config, at: now)
        if let previous = config.newestPrevious {
            throw Problem(
                .bindingInUse,
                "The config '\(config.name)' still has a previous version, whose way back the binding is; it goes by itself after its grace, or now by 'keyturn discard \(config.name) \(previous.number) --yes'.",
                nextStep: NextStep.versions(config.name))
        }
        if let held = config.othersThatMayBeHeld(but: config.version(.current)?.number).first, let until = held.landsUntil {
            throw Problem(
                .bindingInUse,
                "Version \(held.number) of '\(config.name)' may be what the backend holds where the config is bound now: that is kept until a later PUT there, begun after \(until), is confirmed. For another place make another config.",
                nextStep: NextStep.versions(config.name))
        }
        let key = BindingRecord.key(upstream.address.baseURL, binding.remoteID)
        if let other = try get(.binding, key), other.config != config.name {
            let which = mayRead(other.config) ? "to the config '\(other.config)'" : "to another config"
            throw Problem(
                .alreadyBound, "The remote configuration '\(binding.remoteID)' is bound \(which) already.", nextStep: "keyturn config list")
        }
        if !isNew { try unbind(config) }
        try put(.binding, key, BindingRecord(config: config.name))
        var upstream = try self.upstream(binding.upstream)
        upstream.configs += 1
        try put(.upstream, .named(upstream.name), upstream)
        config.goesElsewhere()
    }

    /// Gives the remote configuration free and lets go of the upstream.
    mutating func unbind(_ config: ConfigRecord) throws {
        guard var upstream = try get(.upstream, .named(config.binding.upstream)) else { return }
        try delete(.binding, BindingRecord.key(upstream.address.baseURL, config.binding.remoteID))
        upstream.configs -= 1
        try put(.upstream, .named(upstream.name), upstream)
    }
}
