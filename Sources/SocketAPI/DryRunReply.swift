import KeyturnWire
import Model
import Operations
import Rotations

extension DryRun {
    init(joining rotation: Rotations.Rotation) {
        self.init(
            rotation, joins: "\(rotation.id)", steps: ["wait for the rotation \(rotation.id), which is \(rotation.state.rawValue)"])
    }

    init(beginning rotation: Rotations.Rotation, _ check: DryRunAnswer.SharedKeyCheck) {
        let plan = rotation.machine.plan
        let version = "version \(rotation.version ?? 0)"
        var steps: [String] = []
        switch check {
        case .ownKey: steps.append("the configuration has a key of its own: nothing stands in the way")
        case .notListed: steps.append("the backend does not list the configuration: the PUT may answer 404")
        case .unchecked(let why): steps.append("whether the configuration uses a shared key can't be told: \(why)")
        }
        steps.append("PUT \(version) to \(plan.remoteID) at \(plan.upstream.baseURL)")
        if plan.proves { steps.append("let the backend try it") }
        let standing = "version \(rotation.standingVersion ?? 0)"
        switch plan.wayBack {
        case .open: steps.append("put \(standing) back if it does not work; else keep \(standing) for its grace")
        case .unknown: steps.append("no way back: no earlier version is known here")
        case .compromised: steps.append("no way back and no grace: \(standing) counts as compromised")
        }
        self.init(rotation, joins: nil, steps: steps)
    }

    private init(_ rotation: Rotations.Rotation, joins: String?, steps: [String]) {
        let plan = rotation.machine.plan
        self.init(
            rotated: false, version: rotation.version, replaces: rotation.standingVersion, baseURL: "\(plan.upstream.baseURL)",
            remoteID: "\(plan.remoteID)", joins: joins, steps: steps)
    }
}
