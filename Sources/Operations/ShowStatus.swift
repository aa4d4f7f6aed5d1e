package import Access
package import Model
import Rotations
package import Vault

/// The state of all at a glance.
package struct StatusSnapshot: Sendable {
    package let sealedBecause: VaultError?
    package let room: VaultStore.Room
    package let lastBackupAt: Timestamp?
    package let quarantine: Quarantine?
    package let configs: [ConfigState: Int]
    package let upstreams: Int
    package let attention: [Attention]
    /// Upstreams that lost their bearer.
    package var bearersLost: [UpstreamRecord] = []
    /// How many ways in there are of each kind; nothing while it is sealed.
    package var slots: [SlotEntry.Kind: Int] = [:]

    /// What is wrong with the vault as a whole.
    package var trouble: VaultError? {
        if let sealedBecause { return sealedBecause }
        return room == .full ? .diskFull : nil
    }

    /// One config that somebody should look at.
    package struct Attention: Sendable {
        package let config: ConfigName
        package let state: ConfigState
        package let reason: String
        package let nextStep: String?
    }
}

extension VaultService {
    /// More than fits a screen is summed up by the counts.
    private static let attentionMax = 200
    /// How long before its time a config without anything staged is named.
    private static let runningOutWithin = Duration.seconds(7 * 86_400)

    package func status(as caller: Caller) async throws -> StatusSnapshot {
        try caller.require(.status, on: .everything)
        if let why = await vault.sealedBecause {
            return StatusSnapshot(
                sealedBecause: why, room: why == .diskFull ? .full : .enough, lastBackupAt: nil, quarantine: nil, configs: [:],
                upstreams: 0, attention: [])
        }
        let now = clock.now()
        var counts: [ConfigState: Int] = [:]
        var attention: [StatusSnapshot.Attention] = []
        var cursor: [UInt8]?
        repeat {
            let from = cursor
            let page = try await read { view in
                let quarantine = try view.vaultState().quarantine
                return try view.list(.config, after: from, limit: 256).map { stored in
                    (stored, try view.condition(of: stored.value, quarantine, at: now, overdueAfter: limits.overdueAfter))
                }
            }
            for (stored, (state, reason, nextStep)) in page where stored.value.removedAt == nil {
                counts[state, default: 0] += 1
                guard attention.count < Self.attentionMax else { continue }
                attention += Self.attention(stored.value, state, reason, nextStep, at: now)
            }
            cursor = page.last?.0.cursor
        } while cursor != nil
        let (room, configs) = (await vault.lookForRoom(), counts)
        let sorted = attention.sorted { $0.config.description < $1.config.description }
        return try await read { view in
            let upstreams = try view.list(.upstream, limit: 1000).map(\.value)
            return StatusSnapshot(
                sealedBecause: nil, room: room, lastBackupAt: try view.get(.backup, .named(""))?.at,
                quarantine: try view.vaultState().quarantine, configs: configs, upstreams: upstreams.count, attention: sorted,
                bearersLost: Array(upstreams.filter { $0.bearerLoss != nil }.prefix(Self.attentionMax)),
                slots: Dictionary(try view.slots().map { ($0.kind, 1) }, uniquingKeysWith: +))
        }
    }

    private static func attention(
        _ config: ConfigRecord, _ state: ConfigState, _ reason: String?, _ nextStep: String?, at now: Timestamp
    ) -> [StatusSnapshot.Attention] {
        switch state {
        case .failed, .overdue, .stuck, .waiting, .quarantined:
            return [.init(config: config.name, state: state, reason: reason ?? "It is \(state.rawValue).", nextStep: nextStep)]
        case .running: return []
        case .paused:
            // Somebody chose that, unless a rotation is left half done by it.
            guard config.unfinished != nil, let reason else { return [] }
            return [.init(config: config.name, state: state, reason: reason, nextStep: nextStep)]
        case .due, .ok:
            guard let due = config.dueAt, due <= now + runningOutWithin, config.version(.staged) == nil else { return [] }
            return [
                .init(
                    config: config.name, state: state, reason: "Due at \(due), and nothing is staged.",
                    nextStep: NextStep.stage(config.name))
            ]
        }
    }
}
