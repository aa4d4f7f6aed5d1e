import Model
import Operations
import Rotations
import TestSupport
import Vault

/// What the daemon is assembled from: honest as a rule; a broken variant replaces one of them.
struct Ports {
    var targets: any TargetProvider
    var journal: (any RotationJournal, VaultStore) -> any RotationJournal = { honest, _ in honest }
    var engine: (any Engine) -> any Engine = { $0 }
    var mirror: (SimulatedMirror) -> (any CounterMirror)? = { $0 }
    /// What the daemon takes for its machine's id.
    var machine: (String) -> String? = { $0 }
    /// Runs once the vault is open.
    var opened: @Sendable (VaultService, VaultStore) async -> Void = { _, _ in }
    var rotationLimits = Ports.shortLimits
    var operationLimits = OperationLimits()

    init(in world: World) {
        targets = ModelledTargets(
            targets: Dictionary(uniqueKeysWithValues: Scene.upstreams.map { ($0, ModelledTarget(of: $0, in: world)) }))
    }

    /// Fewer tries before a rotation rests or is stuck: the same paths in fewer steps.
    private static var shortLimits: RotationLimits {
        var limits = RotationLimits()
        limits.cycle = .seconds(20)
        limits.cycleGaps = [.seconds(60), .seconds(300)]
        limits.cyclesMax = 3
        return limits
    }
}
