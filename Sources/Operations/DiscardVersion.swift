package import Access
package import Model
import Rotations
import Vault

extension VaultService {
    /// Drops a staged version and erases its bytes; a previous one only where the operator says so.
    package func discard(_ number: VersionNumber, of name: ConfigName, _ reach: DiscardReach, as caller: Caller) async throws
        -> VersionRecord
    {
        try caller.require(.stage, on: .config(name))
        let now = clock.now()
        let limits = limits
        return try await write { transaction in
            var config = try transaction.config(name).value
            guard let index = config.versions.firstIndex(where: { $0.number == number }) else {
                throw Problem(.unknownVersion, "The config '\(name)' has no live version \(number).", nextStep: NextStep.versions(name))
            }
            try transaction.requireNothingUnfinished(in: config, at: now)
            var version = config.versions[index]
            guard version.state == .staged || (version.state == .previous && reach == .previousToo) else {
                throw Problem(
                    .badRequest,
                    "Version \(number) of '\(name)' is \(version.state.rawValue); only a staged version can be discarded, and with --yes a previous one.",
                    nextStep: NextStep.versions(name))
            }
            if let quarantine = try transaction.quarantine(of: config), version.quarantine != quarantine.id {
                throw Problem(
                    .quarantined,
                    "Version \(number) of '\(name)' came along into the quarantine, and may be what the backend holds: it is kept. \(quarantine.reason)",
                    nextStep: quarantine.nextStep(for: name))
            }
            if let landsUntil = version.landsUntil {
                throw Problem(
                    .badRequest,
                    "A PUT of version \(number) had an unknown outcome: it is kept until a later one, begun after \(landsUntil), is confirmed.",
                    nextStep: NextStep.versions(name))
            }
            if version.state == .previous, let current = config.version(.current), current.proof != .proven, current.proof != .off {
                throw Problem(
                    .badRequest,
                    "Version \(number) of '\(name)' may be what the backend holds, since version \(current.number) is not proven.",
                    nextStep: config.wayToProof(at: now) ?? NextStep.versions(name))
            }
            config.versions.remove(at: index)
            version.state = version.state == .staged ? .discarded : .retired
            version.endedAt = now
            try transaction.end(version, of: name)
            try transaction.scheduleErasure(of: &config, limits)
            try transaction.put(.config, .named(name), config)
            return .changed(version, AuditEvent(at: now, "version.discarded", by: caller.audited, config: name, version: number))
        }
    }

    package enum DiscardReach: Sendable {
        case stagedOnly, previousToo
    }
}
