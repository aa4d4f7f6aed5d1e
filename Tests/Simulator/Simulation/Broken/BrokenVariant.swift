import Model
import Operations
import Rotations
import Secrets
import Vault

/// A daemon with one promise broken on purpose, by a decorator over one of its ports: the oracle has to see it.
package enum BrokenVariant: String, CaseIterable, Sendable {
    /// What ends a rotation is never written.
    case leavesOutTheOutcome = "leaves-out-the-outcome"
    /// A commit is reported as done before it is.
    case writesBehind = "writes-behind"
    /// A staged key is answered for before it is on the disk.
    case answersBeforeTheCommit = "answers-before-the-commit"
    /// Audit entries don't come along.
    case forgetsAudit = "forgets-audit"
    /// A key is erased while a PUT of it may still land.
    case forgetsStragglers = "forgets-stragglers"
    /// The earlier key is erased in spite of its grace.
    case forgetsTheGrace = "forgets-the-grace"
    /// The earlier key is erased though nobody knows whether the new one works.
    case forgetsTheProof = "forgets-the-proof"
    /// A repeated request makes another rotation.
    case forgetsRequests = "forgets-requests"
    /// Of a paused config the next try goes out.
    case forgetsPauses = "forgets-pauses"
    /// That a rotation was rejected or failed is not noted with its config.
    case forgetsHolds = "forgets-holds"
    /// That a change of the fields or a check came to nothing is not noted with its config.
    case forgetsFailures = "forgets-failures"
    /// The due time moves before the rotation has succeeded.
    case movesDueEarly = "moves-due-early"
    /// The earlier key is sent in place of the new one.
    case sendsTheEarlierKey = "sends-the-earlier-key"
    /// Every PUT counts as confirmed.
    case believesEveryPut = "believes-every-put"
    /// What got no answer counts as never sent.
    case takesSentForUnsent = "takes-sent-for-unsent"
    /// A key that came along with the vault is put though it is in quarantine.
    case ignoresQuarantine = "ignores-quarantine"
    /// An older copy passes for today's vault.
    case keepsNoCounter = "keeps-no-counter"
    /// Another machine's vault passes for its own.
    case knowsNoMachine = "knows-no-machine"
    /// What is kept back for the last entries on a full disk is never given up.
    case keepsItsReserve = "keeps-its-reserve"
    /// One config is missing in what `status` looks at.
    case leavesOutAConfig = "leaves-out-a-config"

    func breakPorts(_ ports: inout Ports, _ world: World) {
        switch self {
        case .leavesOutTheOutcome: ports.journal = { honest, _ in JournalWithoutOutcome(honest: honest) }
        case .writesBehind: ports.engine = { EngineThatWritesBehind($0) }
        case .answersBeforeTheCommit: ports.engine = { EngineThatWritesBehind.forStaging($0) }
        case .forgetsAudit: ports.engine = { EngineWithoutAudit($0) }
        case .forgetsStragglers: ports.operationLimits.stragglerHorizon = .zero
        case .forgetsTheGrace: ports.journal = { JournalThatErasesEarly(honest: $0, vault: $1, proofs: [.proven, .off]) }
        case .forgetsTheProof: ports.journal = { JournalThatErasesEarly(honest: $0, vault: $1, proofs: [.unproven]) }
        case .forgetsRequests: ports.operationLimits.idempotencyAge = .zero
        case .forgetsPauses: ports.journal = { honest, _ in JournalWithoutPauses(honest: honest) }
        case .forgetsHolds: ports.journal = { JournalThatForgets(honest: $0, vault: $1) { $0.hold = nil } }
        case .forgetsFailures: ports.journal = { JournalThatForgets(honest: $0, vault: $1) { $0.failure = nil } }
        case .movesDueEarly: ports.journal = { JournalThatMovesDue(honest: $0, vault: $1) }
        case .sendsTheEarlierKey: ports.targets = Targets(honest: ports.targets) { TargetOfTheEarlierKey(honest: $0) }
        case .believesEveryPut: ports.mistakePuts { _ in .accepted }
        case .takesSentForUnsent:
            ports.mistakePuts { answer in if case .unknown(let reason, _) = answer { .notSent(reason) } else { answer } }
        case .ignoresQuarantine: ports.opened = Self.ignoreQuarantine
        case .keepsNoCounter: ports.mirror = { _ in nil }
        case .knowsNoMachine: ports.machine = { _ in nil }
        case .keepsItsReserve: ports.engine = { EngineThatKeepsItsReserve($0) }
        case .leavesOutAConfig: ports.engine = { EngineThatListsOneConfigLess($0) }
        }
    }

    /// Puts a key that came along, as if the vault were the newest.
    private static let ignoreQuarantine: @Sendable (VaultService, VaultStore) async -> Void = { service, vault in
        let next = try? await vault.write { transaction -> Change<ConfigName?> in
            guard try transaction.vaultState().quarantine != nil else { return .unchanged(nil) }
            let next = try Scene.configs.first { name in
                guard let config = try transaction.get(.config, .named(name.description)) else { return false }
                return config.unfinished == nil && config.pause == nil && config.removedAt == nil && config.version(.staged) != nil
            }
            guard let next else { return .unchanged(nil) }
            try transaction.changeState { $0.quarantine = nil }
            return .changed(next, AuditEvent(at: Timestamp(milliseconds: 0), "vault.unsealed", by: nil))
        }
        guard let next else { return }
        _ = try? await service.rotate(next, RotationRequest(.rotate), .not, as: Scene.operatorAtRoot)
    }
}

extension Ports {
    fileprivate mutating func mistakePuts(for mistake: @escaping @Sendable (PutAnswer) -> PutAnswer) {
        targets = Targets(honest: targets) { TargetThatMistakesPuts(honest: $0, mistake: mistake) }
    }
}
