import Model
import Rotations
import Vault

/// What the end of a rotation does to its config and versions. Applied once, in the rotation's last transaction.
struct RotationOutcome {
    let rotation: Rotation
    let ending: RotationEnding
    let now: Timestamp
    let limits: OperationLimits
    let stragglers: StragglerWatch

    func apply(in transaction: inout Transaction) throws {
        try transaction.delete(.unfinished, .named(rotation.config))
        guard var config = try transaction.get(.config, .named(rotation.config)) else { return }
        config.unfinished = nil
        // One that began in an earlier quarantine went on by the operator's word, which stands.
        if hasPutIt, let quarantine = try transaction.quarantine(of: config), quarantine.id == rotation.quarantine {
            config.released = quarantine.id
        }
        noteStragglers(&config)
        switch rotation.machine.plan.kind {
        case .rotate, .rollback: try move(&config, &transaction)
        case .remote: changeFields(&config)
        case .prove: try prove(&config, transaction)
        }
        noteFailure(&config)
        // What only waited for this proof goes with it.
        try transaction.eraseWhatMayGo(in: &config, at: now)
        try transaction.scheduleErasure(of: &config, limits)
        try transaction.put(.config, .named(config.name), config)
        if showsGoodBearer { try noteSuccess(of: config.binding.upstream, &transaction) }
    }

    /// Whether the backend now holds what it put.
    private var hasPutIt: Bool {
        switch ending {
        case .succeeded, .failed(_, .stays): rotation.machine.plan.kind == .rotate
        case .failed, .rejected, .cancelled: false
        }
    }

    /// Of which versions a PUT may be, or come to be, what the backend holds beside the current one.
    private func noteStragglers(_ config: inout ConfigRecord) {
        let machine = rotation.machine
        guard machine.plan.kind == .rotate || machine.plan.kind == .rollback else { return }
        if isConfirmed, machine.plan.othersMayLand != true {
            for version in config.versions where version.number != rotation.version {
                config.update(version.number) { $0.landsUntil = nil }
            }
        }
        var which = machine.unresolved
        switch ending {
        case .failed(_, .stagedAgain) where !machine.isNothingStored: which.insert(.offered)
        // It was put back, but the backend did not say so.
        case .rejected where machine.verdict != nil && !machine.standingWasAccepted: which.insert(.offered)
        case .failed, .rejected, .succeeded, .cancelled: break
        }
        for number in which.compactMap({ $0 == .offered ? keptOffered : rotation.standingVersion }) {
            stragglers.note(number, of: config.name)
            config.update(number) { $0.landsUntil = now + limits.stragglerHorizon }
        }
    }

    /// The version that keeps the offered credential: where a rollback drops its own, that is the one that it was taken from.
    private var keptOffered: VersionNumber? {
        switch ending {
        case .failed(_, .stagedAgain): rotation.rollbackOf ?? rotation.version
        case .failed, .rejected, .succeeded, .cancelled: rotation.version
        }
    }

    /// Whether the backend confirmed a PUT of this rotation, which overwrote whatever landed before.
    private var isConfirmed: Bool {
        switch ending {
        case .succeeded, .rejected, .failed(_, .stays): rotation.machine.offeredWasAccepted || rotation.machine.standingWasAccepted
        case .failed, .cancelled: false
        }
    }

    /// Whether the backend took the bearer on the way here.
    private var showsGoodBearer: Bool {
        switch ending {
        case .succeeded, .rejected, .failed(_, .stays): true
        case .failed(_, .stagedAgain), .failed(_, .assumed), .failed(_, .nothingChanged), .failed(_, .withoutToken), .cancelled: false
        }
    }

    /// To the hour: a record that all of an upstream's rotations share is not written by each.
    private func noteSuccess(of name: UpstreamName, _ transaction: inout Transaction) throws {
        guard var upstream = try transaction.get(.upstream, .named(name)) else { return }
        guard upstream.lastSuccessAt.map({ now - $0 > .seconds(3600) }) ?? true else { return }
        upstream.lastSuccessAt = now
        try transaction.put(.upstream, .named(name), upstream)
    }

    private func move(_ config: inout ConfigRecord, _ transaction: inout Transaction) throws {
        guard let number = rotation.version else { return }
        switch ending {
        case .succeeded(let proof, let warning):
            makeCurrent(number, proof: proof, &config)
            config.update(number) { $0.reason = warning?.what }
            config.hold = nil
            config.lastSuccessAt = now
            config.dueAt = config.everySeconds.map { now + .seconds($0) }
            try retireRollbackSource(&config, &transaction)
        case .failed(let reason, .stays):
            makeCurrent(number, proof: .failed, &config)
            config.hold = reason.what
        case .failed(let reason, .assumed):
            makeCurrent(number, proof: .unproven, &config)
            config.hold = reason.what
        case .rejected(let reason, _):
            config.hold = reason.what
            config.update(number) { version in
                version.state = .rejected
                version.endedAt = now
                version.reason = reason.what
                version.eraseAfter = now
            }
            putBack(&config)
        case .failed(let reason, .stagedAgain), .failed(let reason, .nothingChanged), .failed(let reason, .withoutToken):
            config.hold = reason.what
            if !rotation.machine.isNothingStored { doubtStanding(&config) }
            try stageAgain(number, &config, &transaction)
        case .cancelled: try stageAgain(number, &config, &transaction)
        }
    }

    private func makeCurrent(_ number: VersionNumber, proof: Proof, _ config: inout ConfigRecord) {
        let grace = Duration.seconds(config.graceSeconds)
        if let standing = rotation.standingVersion {
            config.update(standing) { version in
                version.state = .previous
                version.eraseAfter = now + (version.isBurnt ? .zero : grace)
            }
        }
        keepReplacedFields(&config)
        // With another value still on its way, no later validate can tell whose success it is.
        let wasAccepted = rotation.machine.offeredWasAccepted && config.othersThatMayBeHeld(but: number).isEmpty
        var fields = RemoteFields()
        config.update(number) { version in
            version.state = .current
            version.proof = proof
            version.currentSince = now
            version.wasAccepted = wasAccepted
            fields = version.fields
        }
        config.remoteFields.take(fields)
    }

    /// For a rollback to any version before this one: the oldest value of each field is the one that went with it.
    private func keepReplacedFields(_ config: inout ConfigRecord) {
        let former = rotation.machine.plan.formerFields
        guard !former.isEmpty else { return }
        for earlier in config.versions where earlier.state == .previous {
            config.update(earlier.number) { version in
                var fields = former
                fields.take(version.replacedFields ?? RemoteFields())
                version.replacedFields = fields
            }
        }
    }

    /// What is known of the standing version after another one was sent and it was put again.
    private func putBack(_ config: inout ConfigRecord) {
        let machine = rotation.machine
        guard machine.verdict != nil, let standing = rotation.standingVersion else { return }
        var isProven = machine.standingWasAccepted && config.othersThatMayBeHeld(but: standing).isEmpty
        config.update(standing) { version in
            version.wasAccepted = isProven
            if case .rejected(_, .some) = ending { isProven = false }
            version.proof = isProven ? .proven : .unproven
        }
    }

    /// Another version was sent, and may be what the backend holds.
    private func doubtStanding(_ config: inout ConfigRecord) {
        guard let standing = rotation.standingVersion else { return }
        config.update(standing) { version in
            version.wasAccepted = false
            if version.proof == .proven { version.proof = .unproven }
        }
    }

    /// A rollback moves the credential: the version that lent it ends.
    private func retireRollbackSource(_ config: inout ConfigRecord, _ transaction: inout Transaction) throws {
        guard rotation.machine.plan.kind == .rollback, let source = rotation.rollbackOf,
            let index = config.versions.firstIndex(where: { $0.number == source })
        else { return }
        var version = config.versions.remove(at: index)
        version.state = .retired
        version.endedAt = now
        version.reason = "moved to version \(rotation.version ?? 0)"
        try transaction.end(version, of: config.name)
    }

    /// For the next try; what a rollback made is dropped, its source is still there.
    private func stageAgain(_ number: VersionNumber, _ config: inout ConfigRecord, _ transaction: inout Transaction) throws {
        guard rotation.machine.plan.kind == .rollback, let index = config.versions.firstIndex(where: { $0.number == number }) else {
            config.update(number) { $0.state = .staged }
            return
        }
        var version = config.versions.remove(at: index)
        version.state = .discarded
        version.endedAt = now
        try transaction.end(version, of: config.name)
    }

    private func changeFields(_ config: inout ConfigRecord) {
        switch ending {
        case .succeeded(let proof, _): if proof == .proven { clearFailedProof(&config) }
        case .failed(_, .stays): updateStanding(of: &config) { $0.proof = .failed }
        case .failed(_, .assumed): break
        case .failed, .rejected, .cancelled: return
        }
        config.remoteFields.take(rotation.machine.plan.fields)
        if let aiType = rotation.machine.plan.fields.aiType { config.binding.aiType = aiType }
    }

    private func prove(_ config: inout ConfigRecord, _ transaction: borrowing Transaction) throws {
        if case .failed(_, .withoutToken) = ending {
            config.refusedBearer = try transaction.get(.upstream, .named(config.binding.upstream))?.bearerGeneration
        }
        updateStanding(of: &config) { version in
            switch ending {
            case .succeeded(let proof, let warning):
                version.proof = proof
                version.reason = warning?.what
            case .failed(_, .stays): version.proof = .failed
            case .failed, .rejected, .cancelled: break
            }
        }
    }

    /// The credential that was found not to work does, with the new fields.
    private func clearFailedProof(_ config: inout ConfigRecord) {
        updateStanding(of: &config) { version in
            guard version.proof == .failed else { return }
            version.proof = version.wasAccepted ? .proven : .unproven
        }
    }

    private func updateStanding(of config: inout ConfigRecord, _ change: (inout VersionRecord) -> Void) {
        if let number = rotation.standingVersion { config.update(number, change) }
    }

    /// What moves a version says by its hold how it ended.
    private func noteFailure(_ config: inout ConfigRecord) {
        switch (rotation.machine.plan.kind, ending) {
        // A prove that could not tell says nothing of the key: a backend without a validate would stay failed for good.
        case (_, .cancelled), (.prove, .failed(_, .nothingChanged)): break
        case (_, .succeeded), (.rotate, _), (.rollback, _): config.failure = nil
        case (.remote, .rejected(let reason, _)), (.remote, .failed(let reason, _)), (.prove, .rejected(let reason, _)),
            (.prove, .failed(let reason, _)):
            config.failure = reason.what
        }
    }
}

extension RemoteFields {
    mutating func take(_ newer: RemoteFields) {
        name = newer.name ?? name
        endpoint = newer.endpoint ?? endpoint
        aiType = newer.aiType ?? aiType
    }
}
