import Model
import Operations
import Outbound
import Rotations
import Settings

/// The settings' limits for each part that has some. A reload replaces them.
struct LimitsInForce: Sendable {
    let rotations: InForce<RotationLimits>
    let operations: InForce<OperationLimits>
    let outbound: InForce<Outbound.Limits>
    /// How long what is waiting may take when the daemon stops.
    let stopTime: InForce<Duration>

    init(_ settings: DaemonSettings) {
        rotations = InForce(RotationLimits(settings.rotation))
        operations = InForce(OperationLimits(settings.rotation))
        outbound = InForce(Outbound.Limits(settings.rotation))
        stopTime = InForce(settings.stopTimeout.duration)
    }

    func replace(with settings: DaemonSettings) {
        rotations.replace(with: RotationLimits(settings.rotation))
        operations.replace(with: OperationLimits(settings.rotation))
        outbound.replace(with: Outbound.Limits(settings.rotation))
        stopTime.replace(with: settings.stopTimeout.duration)
    }
}

extension RotationLimits {
    fileprivate init(_ settings: RotationSettings) {
        self.init()
        backoffFirst = settings.backoffFirst.duration
        backoffMax = settings.backoffMax.duration
        cycle = settings.cycle.duration
        cycleGaps = settings.cycleGaps.map(\.duration)
        cyclesMax = settings.cycles
        proofTries = settings.proofTries
        proofGap = settings.proofGap.duration
        actsPerUpstream = settings.actionsPerUpstream
    }
}

extension OperationLimits {
    fileprivate init(_ settings: RotationSettings) {
        self.init()
        listAge = settings.listMaxAge.duration
        stragglerHorizon = settings.stragglerHorizon.duration
    }
}

extension Outbound.Limits {
    fileprivate init(_ settings: RotationSettings) {
        self.init(connect: settings.connectTimeout.duration, request: settings.requestTimeout.duration)
    }
}
