import Access
import FoundationEssentials
import KeyturnWire
import Model
import Operations
import Rotations
import Vault

extension KeyturnWire.Config {
    init(_ snapshot: ConfigSnapshot, at now: Timestamp) {
        let record = snapshot.record
        self.init(
            name: "\(record.name)", upstream: "\(record.binding.upstream)", remoteID: "\(record.binding.remoteID)",
            aiType: record.binding.aiType.rawValue, field: record.binding.field.rawValue, state: snapshot.state.rawValue,
            everySeconds: record.everySeconds, graceSeconds: record.graceSeconds, prove: record.proves, description: record.description,
            dueAt: record.dueAt?.description, pausedUntil: record.pause?.until?.description, pauseReason: record.pause?.reason,
            paused: record.isPaused(at: now), stagedVersions: record.versions.count { $0.state == .staged },
            versions: (record.versions + snapshot.ended).sorted { $0.number > $1.number }.map(Version.init),
            lastRotation: record.lastRotation?.description, reason: snapshot.reason, nextStep: snapshot.nextStep,
            createdAt: "\(record.createdAt)")
    }
}

extension KeyturnWire.Version {
    init(_ record: VersionRecord) {
        self.init(
            version: record.number, state: record.state.rawValue, proof: record.proof?.rawValue, createdAt: "\(record.createdAt)",
            currentSince: record.currentSince?.description, eraseAfter: record.eraseAfter?.description,
            endedAt: record.endedAt?.description,
            reason: record.reason, compromised: record.isBurnt)
    }
}

extension KeyturnWire.Rotation {
    /// `showsMessages`: whether the caller may see the backend's own words.
    init(_ rotation: Rotations.Rotation, nextStep: String?, cyclesMax: Int, showsMessages: Bool) {
        let machine = rotation.machine
        var proof: Proof?
        var warnings: [String] = []
        var nextTryAt: Timestamp?
        var reason = rotation.state == .succeeded ? nil : machine.lastReason
        switch machine.phase {
        case .ended(let ending):
            if case .succeeded(let reached, _) = ending, rotation.version != nil { proof = reached }
            if case .failed(_, .stays) = ending { proof = .failed }
            if case .failed(_, .assumed) = ending { proof = .unproven }
            if case .rejected(_, let warning?) = ending {
                warnings = ["The earlier version was put back, but not proven: \(warning.what)."]
            }
            if case .succeeded(_, let warning?) = ending { warnings = ["It is not proven: \(warning.what)."] }
            reason = rotation.state == .succeeded ? nil : ending.reason
        case .waiting(let wait):
            nextTryAt = wait.cause.nextTryAt
            reason = wait.reason
        case .stuck(let why): reason = why
        case .putting, .validating, .lookingUp: break
        }
        self.init(
            id: "\(rotation.id)", config: "\(rotation.config)", kind: machine.plan.kind.rawValue, state: rotation.state.rawValue,
            step: rotation.shownStep, rotated: rotation.hasRotated, version: rotation.version, attempts: machine.attempts,
            cyclesUsed: machine.cyclesUsed, cyclesMax: cyclesMax, proof: proof?.rawValue, reason: reason?.what,
            upstreamMessage: showsMessages ? reason?.backendMessage : nil,
            nextStep: nextStep, nextTryAt: nextTryAt?.description, warnings: warnings,
            requestedBy: Caller(uid: Int64(rotation.request.uid), unit: rotation.request.unit), requestReason: rotation.request.reason,
            startedAt: "\(rotation.request.at)", endedAt: rotation.endedAt?.description)
    }
}

extension Rotations.Rotation {
    fileprivate var shownStep: String {
        switch machine.phase {
        case .putting(.standing), .validating(.standing): "reverting"
        case .putting(.offered): "applying"
        case .validating(.offered), .lookingUp: "proving"
        case .waiting(let wait):
            switch wait.resumes {
            case .put(.offered): "applying"
            case .validate(.offered): "proving"
            case .put(.standing), .validate(.standing): "reverting"
            }
        case .stuck: machine.verdict == nil ? "applying" : "reverting"
        case .ended: "done"
        }
    }

    /// Whether a new version is current by it.
    fileprivate var hasRotated: Bool {
        guard machine.plan.kind == .rotate || machine.plan.kind == .rollback else { return false }
        return switch machine.phase {
        case .ended(.succeeded), .ended(.failed(_, .stays)), .ended(.failed(_, .assumed)): true
        case .ended, .putting, .validating, .lookingUp, .waiting, .stuck: false
        }
    }
}

extension KeyturnWire.Upstream {
    init(_ record: UpstreamRecord) {
        self.init(
            name: "\(record.name)", baseURL: "\(record.address.baseURL)", caPEM: record.address.caPEM, pinSHA256: record.address.pinSHA256,
            allowPlainHTTP: record.allowsPlainHTTP, workspaceID: record.address.workspaceID, bearer: record.bearer.rawValue,
            bearerLost: KeyturnWire.BearerLoss(record),
            tokenExpiresAt: record.tokenExpiresAt?.description, lastSuccessAt: record.lastSuccessAt?.description, configs: record.configs)
    }
}

extension KeyturnWire.BearerLoss {
    /// `nil` while it has not lost any.
    init?(_ record: UpstreamRecord) {
        guard let loss = record.bearerLoss else { return nil }
        self.init(upstream: "\(record.name)", at: "\(loss.at)", reason: loss.reason, nextStep: record.wayToBearer)
    }
}

extension KeyturnWire.Status {
    init(_ snapshot: StatusSnapshot, version: String, reloadRefused: String?) {
        var counts: [String: Int] = [:]
        for state in ConfigState.allCases { counts[state.rawValue] = snapshot.configs[state] ?? 0 }
        self.init(
            version: version, sealed: snapshot.sealedBecause != nil, sealedCode: snapshot.sealedBecause?.code,
            sealedReason: snapshot.sealedBecause?.explanation, reloadRefused: reloadRefused, diskFull: snapshot.room == .full,
            nextStep: snapshot.trouble?.nextStep,
            lastBackupAt: snapshot.lastBackupAt?.description, quarantine: snapshot.quarantine.map(Quarantine.init), configs: counts,
            upstreams: snapshot.upstreams,
            attention: snapshot.attention.map { item in
                Attention(config: "\(item.config)", state: item.state.rawValue, reason: item.reason, nextStep: item.nextStep)
            },
            bearersLost: snapshot.bearersLost.compactMap(KeyturnWire.BearerLoss.init),
            slots: Dictionary(uniqueKeysWithValues: SlotEntry.Kind.allCases.map { ($0.rawValue, snapshot.slots[$0] ?? 0) }))
    }
}

extension KeyturnWire.Quarantine {
    init(_ quarantine: Vault.Quarantine) {
        self.init(since: "\(quarantine.since)", cause: quarantine.why.rawValue, reason: quarantine.reason, nextStep: quarantine.nextStep)
    }
}

extension KeyturnWire.RotationEvent {
    /// `nil` for what concerns no config.
    init?(_ entry: Vault.AuditEntry) {
        let event = entry.event
        guard let config = event.config else { return nil }
        self.init(
            at: "\(event.at)", event: event.event, config: "\(config)", rotation: event.rotation?.description, version: event.version,
            state: event.outcome, reason: event.reason)
    }

    init(_ rotation: Rotations.Rotation, _ step: EventHub.Step, at now: Timestamp) {
        self.init(
            at: "\(now)", event: "rotation.step", config: "\(rotation.config)", rotation: "\(rotation.id)", version: rotation.version,
            state: step.rawValue)
    }
}
