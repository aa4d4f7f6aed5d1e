import Access
import Model
import Rotations
import Vault

/// A vault may hold keys that died after it was copied: until the operator says otherwise, nothing of it goes out. A config leaves the
/// quarantine by a newly staged key that is put, or by the operator's word.
extension RecordReader {
    /// The quarantine that holds this config; `nil` when there is none, or when it has left it.
    func quarantine(of config: ConfigRecord) throws(VaultError) -> Quarantine? {
        try vaultState().quarantine.flatMap { $0.holds(config) ? $0 : nil }
    }
}

extension Quarantine {
    func holds(_ config: ConfigRecord) -> Bool { config.released != id }

    /// As a sentence.
    package var reason: String {
        switch why {
        case .restored: "The vault was restored from a backup, which may hold keys that have died since."
        case .older: "The vault may be an older copy, with keys that have died since."
        case .otherMachine: "The vault belongs to another machine, which may have put newer keys since."
        }
    }

    /// How the vault as a whole leaves it.
    package var nextStep: String { "keyturn release --all" }

    /// How one config does.
    func nextStep(for config: ConfigName) -> String { "keyturn release \(config)" }

    func problem(of config: ConfigName) -> Problem {
        Problem(
            .quarantined,
            "The config '\(config)' is in quarantine. \(reason) A key that is staged now can be rotated to, and those that came along are passed over; or release it with all its keys.",
            nextStep: nextStep(for: config))
    }
}

extension VaultService {
    /// What was under way when the vault was copied is left to the operator, and refresh tokens are dropped: another copy of the vault may
    /// have used them up. Done before anything is resumed; what was begun in the quarantine itself goes on.
    func holdQuarantined() async throws {
        guard let quarantine = try await vault.read({ try $0.vaultState().quarantine }) else { return }
        try await forEachUnfinished { rotation in
            guard rotation.quarantine != quarantine.id, rotation.state != .stuck else { return }
            try await hold(rotation.id, in: quarantine)
        }
        try await forEachPage(of: .upstream) { upstream in
            guard upstream.hasSuspectRefreshToken(in: quarantine) else { return }
            try await dropRefreshToken(of: upstream.name, in: quarantine)
        }
    }

    private func hold(_ id: RotationID, in quarantine: Quarantine) async throws {
        let (now, limits, stragglers) = (clock.now(), limits, stragglers)
        try await vault.write(.begun) { transaction in
            var rotation = try transaction.rotation(id)
            guard let config = try transaction.get(.config, .named(rotation.config)), quarantine.holds(config), rotation.state != .stuck,
                !rotation.state.hasEnded
            else { return .unchanged(()) }
            rotation.machine.hold(because: Reason("the vault is in quarantine (\(quarantine.why.rawValue))"))
            if rotation.state.hasEnded { rotation.endedAt = now }
            return .changed((), try transaction.record(rotation, at: now, limits, stragglers))
        }
    }

    private func dropRefreshToken(of name: UpstreamName, in quarantine: Quarantine) async throws {
        let now = clock.now()
        try await vault.write(.begun) { transaction in
            guard var record = try transaction.get(.upstream, .named(name)), record.hasSuspectRefreshToken(in: quarantine) else {
                return .unchanged(())
            }
            try transaction.loseBearer(
                of: &record, because: "another copy of the vault may have used the refresh token up (\(quarantine.why.rawValue))", at: now)
            try transaction.put(.upstream, .named(name), record)
            return .changed(
                (),
                AuditEvent(at: now, "upstream.bearer-dropped", by: nil, upstream: name, reason: "quarantine (\(quarantine.why.rawValue))"))
        }
        bearers.forget(name)
    }
}

extension ConfigRecord {
    /// Of whatever came along, the vault that this one was copied from may have put any a moment ago, the earlier ones by a rollback or a
    /// put-back: each may be, or come to be, what the backend holds, and is not erased on a mere no.
    mutating func expect(whatCameWith quarantine: Quarantine, landing until: Timestamp) {
        for version in versions where version.quarantine != quarantine.id {
            update(version.number) { $0.landsUntil = max($0.landsUntil ?? until, until) }
        }
    }
}

extension UpstreamRecord {
    /// One that was given before the quarantine began.
    func hasSuspectRefreshToken(in quarantine: Quarantine) -> Bool {
        bearer == .refreshToken && bearerQuarantine != quarantine.id
    }
}
