import Model
import Rotations
import Testing

let reason = Reason("seen")
let start = Timestamp(milliseconds: 1_800_000_000_000)

func moment(inCycle: Duration = .zero, jitter: Double = 0.5) -> Moment {
    Moment(now: start, inCycle: inCycle, jitter: jitter)
}

func machine(
    _ kind: RotationPlan.Kind = .rotate, wayBack: RotationPlan.WayBack = .open, proves: Bool = true
) throws -> RotationMachine {
    RotationMachine(
        plan: RotationPlan(
            kind: kind,
            upstream: UpstreamAddress(
                name: try UpstreamName("fb"), baseURL: try BaseURL("https://b.test", plainHTTP: .refused), caPEM: nil, pinSHA256: nil,
                workspaceID: nil),
            remoteID: try RemoteID("r"), field: .key, fields: RemoteFields(), formerFields: RemoteFields(), wayBack: wayBack, proves: proves
        ))
}

/// One whose first PUT was handed out.
func begun(_ kind: RotationPlan.Kind = .rotate, wayBack: RotationPlan.WayBack = .open, proves: Bool = true) throws -> RotationMachine {
    var machine = try machine(kind, wayBack: wayBack, proves: proves)
    #expect(machine.begin() == [.act(kind == .prove ? .validate(.offered) : .put(.offered), after: .zero)])
    return machine
}
