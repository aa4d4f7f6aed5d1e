import Access
import Model
import Rotations
import Secrets
import Vault

/// A request on its way to becoming a rotation: all local checks, first as a look ahead, then again inside the transaction that makes it.
struct RotationDraft: Sendable {
    let config: ConfigName
    let request: RotationRequest
    let caller: Caller
    let at: Timestamp
    let id: RotationID
    let limits: OperationLimits
    let stragglers: StragglerWatch

    enum Decision: Sendable {
        case notDue(Timestamp?, String)
        case join(Rotation)
        /// The same, but its Idempotency-Key has to be remembered first: the next request under it gets this rotation, ended or not.
        case joinNewly(Rotation)
        case make(Made)
    }

    struct Made: Sendable {
        let rotation: Rotation
        var config: ConfigRecord
    }

    // MARK: Deciding

    func decide(in reader: some RecordReader, listed: RemoteFields? = nil) throws -> Decision {
        let record = try reader.config(config).value
        if let rotation = try remembered(in: reader) { return .join(rotation) }
        let quarantine = try reader.quarantine(of: record)
        if let unfinished = record.unfinished {
            let rotation = try reader.rotation(unfinished)
            if let quarantine, rotation.quarantine != quarantine.id { throw quarantine.problem(of: config) }
            return try join(rotation, of: record)
        }
        if request.condition == .ifDue, let why = quarantine == nil ? notDue(record) : "in quarantine" { return .notDue(record.dueAt, why) }
        if record.isPaused(at: at) {
            throw Problem(.paused, "The config '\(config)' is paused.", nextStep: NextStep.resume(config))
        }
        var known = record
        if let listed { known.remoteFields.take(listed) }
        let upstream = try reader.upstream(record.binding.upstream)
        return .make(try plan(known, upstream, quarantine))
    }

    /// The rotation that this Idempotency-Key already made.
    private func remembered(in reader: some RecordReader) throws -> Rotation? {
        guard let key = idempotencyKey, let record = try reader.get(.idempotency, key), at - record.at < limits.idempotencyAge else {
            return nil
        }
        guard record.request == request.fingerprint else {
            throw Problem(
                .idempotencyMismatch, "The Idempotency-Key was used before for another request; a new request needs a new key.",
                nextStep: NextStep.show(record.rotation))
        }
        return try reader.rotation(record.rotation)
    }

    /// Scoped to operation, config and the caller's unit or uid.
    private var idempotencyKey: RecordKey? {
        request.idempotencyKey.map { key in
            .named("\(request.kind.rawValue)\n\(config)\n\(caller.unit ?? String(caller.uid))\n\(key)")
        }
    }

    /// Joins a rotation that does at least what is asked for, unless nothing would come of waiting for it.
    private func join(_ rotation: Rotation, of record: ConfigRecord) throws -> Decision {
        let plan = rotation.machine.plan
        guard request.kind == plan.kind, !request.isCompromised, request.kind != .remote || request.fields == plan.fields else {
            throw rotation.inTheWay(of: record, at: at)
        }
        if case .stuck = rotation.machine.phase, let problem = rotation.problem(nextStep: rotation.nextStep(in: record, at: at)) {
            throw problem
        }
        if record.isPaused(at: at), rotation.machine.isHeldByPause {
            if request.condition == .ifDue { return .notDue(record.dueAt, Self.paused) }
            throw Problem(
                .paused, "The config '\(config)' is paused, which holds its rotation \(rotation.id).", nextStep: NextStep.resume(config))
        }
        return idempotencyKey == nil ? .join(rotation) : .joinNewly(rotation)
    }

    private static let paused = "paused"

    private func notDue(_ record: ConfigRecord) -> String? {
        if record.isPaused(at: at) { return Self.paused }
        if let hold = record.hold { return "held after the last rotation: \(hold)" }
        guard let due = record.dueAt else { return "no schedule" }
        return due <= at ? nil : "not due yet"
    }

    // MARK: Planning

    private func plan(_ record: ConfigRecord, _ upstream: UpstreamRecord, _ quarantine: Quarantine?) throws -> Made {
        if let quarantine, request.kind == .rollback || request.kind == .remote { throw quarantine.problem(of: config) }
        return switch request.kind {
        case .rotate: try planRotate(record, upstream, quarantine)
        case .rollback: try planRollback(record, upstream)
        case .remote: try planRemote(record, upstream)
        case .prove: try planProve(record, upstream, quarantine)
        }
    }

    private func planRotate(_ record: ConfigRecord, _ upstream: UpstreamRecord, _ quarantine: Quarantine?) throws -> Made {
        // In quarantine only what was staged in it: what came along with the copy may have died since.
        let usable = record.versions.filter { quarantine == nil || $0.quarantine == quarantine?.id }
        let first = usable.first { $0.state == .pending } ?? usable.first { $0.state == .staged }
        if let quarantine, first == nil { throw quarantine.problem(of: config) }
        guard let next = first else {
            throw Problem(.nothingStaged, "Nothing is staged for '\(config)'.", nextStep: NextStep.stage(config))
        }
        guard let former = record.remoteFields.values(of: next.fields) else {
            throw Problem(
                .badRequest,
                "Version \(next.number) carries non-secret fields whose present values are not known, so that they could not go back; 'keyturn remote \(config)' with the present values makes them known.",
                nextStep: "keyturn help remote")
        }
        var config = record
        if let quarantine {
            passOver(before: next.number, in: &config)
            config.expect(whatCameWith: quarantine, landing: at + stragglers.timeLeftSinceOpening)
        }
        config.update(next.number) { version in
            version.state = .pending
            version.wasSent = true
        }
        return made(config, upstream, version: next.number, fields: next.fields, former: former, in: quarantine)
    }

    /// What came along staged would be an older key than this one if it were put later on.
    private func passOver(before next: VersionNumber, in config: inout ConfigRecord) {
        for version in config.versions where version.state == .staged && version.number < next {
            config.update(version.number) { version in
                version.state = .rejected
                version.endedAt = at
                version.reason = "passed over: it came along with the copied vault, and version \(next) is put instead"
                version.eraseAfter = at
            }
        }
    }

    private func planRollback(_ record: ConfigRecord, _ upstream: UpstreamRecord) throws -> Made {
        guard let source = record.newestPrevious else {
            throw Problem(
                .unknownVersion, "The config '\(config)' has no previous version to roll back to.", nextStep: NextStep.versions(config))
        }
        var config = record
        // As on the way back of a rotation: else the earlier credential would stand with what came with the later one.
        let fields = source.replacedFields ?? RemoteFields()
        let former = record.remoteFields.values(of: fields) ?? RemoteFields()
        let number = config.nextVersion
        config.nextVersion += 1
        stragglers.carry(source.number, over: number, of: record.name)
        config.versions.append(
            VersionRecord(
                number: number, state: .pending, proof: nil, createdAt: at, hasKey: source.hasKey, hasSecret: source.hasSecret,
                fields: fields, isCompromised: source.isCompromised, landsUntil: source.landsUntil))
        return made(config, upstream, version: number, fields: fields, former: former, rollbackOf: source.number)
    }

    private func planRemote(_ record: ConfigRecord, _ upstream: UpstreamRecord) throws -> Made {
        guard !request.fields.isEmpty else {
            throw Problem(.badRequest, "At least one of 'name', 'endpoint' and 'ai_type' must be given.")
        }
        return made(
            record, upstream, version: nil, fields: request.fields, former: record.remoteFields.values(of: request.fields) ?? RemoteFields()
        )
    }

    private func planProve(_ record: ConfigRecord, _ upstream: UpstreamRecord, _ quarantine: Quarantine?) throws -> Made {
        guard let current = record.version(.current) else {
            throw Problem(.unknownVersion, "The config '\(config)' has no current version to prove.", nextStep: record.wayToNextKey)
        }
        return made(record, upstream, version: current.number, fields: RemoteFields(), former: RemoteFields(), in: quarantine)
    }

    private func made(
        _ record: ConfigRecord, _ upstream: UpstreamRecord, version: VersionNumber?, fields: RemoteFields, former: RemoteFields,
        rollbackOf: VersionNumber? = nil, in quarantine: Quarantine? = nil
    ) -> Made {
        let standing = record.version(.current)
        // The vault that this one was copied from may have put another key since.
        let wasAccepted = request.kind == .prove && standing?.wasAccepted == true && quarantine == nil
        let wayBack: RotationPlan.WayBack =
            switch request.kind {
            case .remote: former.isEmpty ? .unknown : .open
            case .prove: .unknown
            // Nothing of a quarantined vault goes back.
            case .rotate where quarantine != nil: .unknown
            case .rotate, .rollback: standing.map { $0.isBurnt || request.isCompromised ? .compromised : .open } ?? .unknown
            }
        let plan = RotationPlan(
            kind: request.kind, upstream: upstream.address, remoteID: record.binding.remoteID, field: record.binding.field, fields: fields,
            formerFields: former, wayBack: wayBack, proves: record.proves,
            othersMayLand: stragglers.othersMayLand(in: record, but: version),
            mayBeHeld: record.versions.contains { $0.number == version && $0.landsUntil != nil }
        )
        let rotation = Rotation(
            id: id, config: config, version: version, standingVersion: standing?.number, rollbackOf: rollbackOf,
            quarantine: quarantine?.id,
            request: .init(at: at, uid: caller.uid, unit: caller.unit, reason: request.reason, isCompromised: request.isCompromised),
            machine: RotationMachine(plan: plan, wasAccepted: wasAccepted))
        var config = record
        // Kept with the version: no later rotation puts it back by itself either, however this one ends.
        if request.isCompromised, let standing { config.update(standing.number) { $0.isCompromised = true } }
        config.unfinished = id
        config.lastRotation = id
        config.refusedBearer = nil
        return Made(rotation: rotation, config: config)
    }

    // MARK: Making

    /// Requested and pending in one commit: the version's bytes are durable since it was staged.
    func make(in transaction: inout Transaction, listed: RemoteFields?) throws -> Change<Decision> {
        let decision = try decide(in: transaction, listed: listed)
        let made: Made
        switch decision {
        case .notDue, .join: return .unchanged(decision)
        case .joinNewly(let rotation):
            try remember(rotation.id, in: &transaction)
            let event = AuditEvent(
                at: at, "rotation.joined", by: caller.audited, config: config, rotation: rotation.id, version: rotation.version,
                reason: request.reason)
            return .changed(decision, event)
        case .make(let new): made = new
        }
        let rotation = made.rotation
        if let source = rotation.rollbackOf, let version = rotation.version {
            guard let packed = try transaction.get(.credential, .version(config, source)) else {
                throw VaultError.damaged(kind: RecordKind<Secret>.credential.name)
            }
            try transaction.put(.credential, .version(config, version), packed)
        }
        let pointer = RotationPointer(id: id, config: config)
        try transaction.put(.config, .named(config), made.config)
        try transaction.put(.rotation, .timed(id), rotation)
        try transaction.put(.unfinished, .named(config), pointer)
        try transaction.put(.history, .namedTimed(config.description, milliseconds: id.milliseconds, id: id.description), pointer)
        try remember(id, in: &transaction)
        let event = AuditEvent(
            at: at, "rotation.requested", by: caller.audited, config: config, upstream: rotation.machine.plan.upstream.name, rotation: id,
            version: rotation.version, reason: request.reason)
        return .changed(decision, event)
    }

    private func remember(_ rotation: RotationID, in transaction: inout Transaction) throws {
        guard let key = idempotencyKey else { return }
        try transaction.put(.idempotency, key, IdempotencyRecord(rotation: rotation, request: request.fingerprint, at: at))
    }
}

extension RemoteFields {
    /// The known values of the same fields; `nil` when one of them is not known.
    func values(of fields: RemoteFields) -> RemoteFields? {
        if fields.name != nil, name == nil { return nil }
        if fields.endpoint != nil, endpoint == nil { return nil }
        if fields.aiType != nil, aiType == nil { return nil }
        return RemoteFields(
            name: fields.name.flatMap { _ in name }, endpoint: fields.endpoint.flatMap { _ in endpoint },
            aiType: fields.aiType.flatMap { _ in aiType })
    }
}
