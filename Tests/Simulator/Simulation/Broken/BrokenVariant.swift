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
    /// Audit entries don't come along.
    case forgetsAudit = "forgets-audit"
    /// A key is erased while a PUT of it may still land.
    case forgetsStragglers = "forgets-stragglers"
    /// A repeated request makes another rotation.
    case forgetsRequests = "forgets-requests"
    /// The due time moves before the rotation has succeeded.
    case movesDueEarly = "moves-due-early"
    /// The earlier key is sent in place of the new one.
    case sendsTheEarlierKey = "sends-the-earlier-key"
    /// Every PUT counts as confirmed.
    case believesEveryPut = "believes-every-put"

    func breakPorts(_ ports: inout Ports, _ world: World) {
        switch self {
        case .leavesOutTheOutcome: ports.journal = { honest, _ in JournalWithoutOutcome(honest: honest) }
        case .writesBehind: ports.engine = { EngineThatWritesBehind($0) }
        case .forgetsAudit: ports.engine = { EngineWithoutAudit($0) }
        case .forgetsStragglers: ports.operationLimits.stragglerHorizon = .zero
        case .forgetsRequests: ports.operationLimits.idempotencyAge = .zero
        case .movesDueEarly: ports.journal = { JournalThatMovesDue(honest: $0, vault: $1) }
        case .sendsTheEarlierKey: ports.targets = Targets(honest: ports.targets) { TargetOfTheEarlierKey(honest: $0) }
        case .believesEveryPut: ports.targets = Targets(honest: ports.targets) { TargetThatBelieves(honest: $0) }
        }
    }
}
