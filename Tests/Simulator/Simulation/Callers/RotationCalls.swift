import Model
import Operations
import Rotations

extension MoveKind {
    static let rotationCalls: [MoveKind] = [
        .call("stage and rotate", weight: 90) { chance, hand in
            let key = hand.world.backend.newKey(for: hand.config, works: !chance.happens(percent: 8))
            let stage = Call.stage(key, .next, hand.config, hand.world)
            let rotate = Call.rotate(RotationRequest(.rotate), hand.config, waits: true)
            return Call("stage \(key) and rotate", on: hand.config) { service in
                _ = try await stage.perform(service)
                return try await rotate.perform(service)
            }
        },
        .call("rotate", weight: 30) { chance, hand in
            var request = RotationRequest(.rotate)
            if chance.happens(percent: 40) { request.idempotencyKey = "key-\(chance.below(6))" }
            return .rotate(request, hand.config, waits: chance.happens(percent: 80))
        },
        .call("rotate twice at once", weight: 3) { chance, hand in
            var request = RotationRequest(.rotate)
            request.idempotencyKey = "key-\(chance.below(6))"
            hand.world.callers.begin(.rotate(request, hand.config, waits: true))
            return .rotate(request, hand.config, waits: true)
        },
        .call("rotate if due", weight: 3) { chance, hand in
            var request = RotationRequest(.rotate)
            request.condition = .ifDue
            return .rotate(request, hand.config, waits: true)
        },
        .call("rotate a compromised key", weight: 2) { chance, hand in
            var request = RotationRequest(.rotate)
            request.isCompromised = true
            return .rotate(request, hand.config, waits: true)
        },
        .call("rollback", weight: 4) { chance, hand in .rotate(RotationRequest(.rollback), hand.config, waits: true) },
        .call("prove", weight: 3) { chance, hand in .rotate(RotationRequest(.prove), hand.config, waits: true) },
        .call("remote", weight: 3) { chance, hand in
            var request = RotationRequest(.remote)
            request.fields = RemoteFields(name: "name-\(chance.below(9))")
            return .rotate(request, hand.config, waits: true)
        },
        .call("dry run", weight: 1) { chance, hand in
            let config = hand.config
            return Call("dry run of \(config)", on: config) { service in
                _ = try await service.dryRun(config, RotationRequest(.rotate), as: Scene.operatorAtRoot)
                return .done
            }
        },
        .call("cancel", weight: 4) { chance, hand in
            guard let id = hand.record?.unfinished ?? hand.record?.lastRotation else { return nil }
            return .cancel(id, of: hand.config)
        },
        .call("resolve", weight: 6) { chance, hand in
            guard let id = hand.record?.unfinished else { return nil }
            return .resolve(id, chance.pick(Resolution.allCases), of: hand.config)
        },
    ]
}

extension Call {
    static func rotate(_ request: RotationRequest, _ config: ConfigName, waits: Bool) -> Call {
        // One request under one key: another one under the same would rightly be refused.
        let key = request.idempotencyKey.map { "\(request.kind.rawValue) \($0)" }
        return Call("\(request.kind.rawValue) \(config)\(key.map { ", \($0)" } ?? "")", on: config, idempotencyKey: key) { service in
            Answer(try await service.rotate(config, request, waits ? .untilSettled : .not, as: Scene.operatorAtRoot))
        }
    }

    static func cancel(_ id: RotationID, of config: ConfigName) -> Call {
        Call("cancel the rotation of \(config)", on: config) { service in
            Answer(try await service.cancel(id, as: Scene.operatorAtRoot))
        }
    }

    static func resolve(_ id: RotationID, _ resolution: Resolution, of config: ConfigName) -> Call {
        Call("resolve the rotation of \(config): \(resolution.rawValue)", on: config) { service in
            Answer(try await service.resolve(id, resolution, .untilSettled, as: Scene.operatorAtRoot))
        }
    }
}

extension Answer {
    fileprivate init(_ reply: RotationReply) {
        switch reply {
        case .rotation(let rotation), .interrupted(let rotation, _): self = .rotation(rotation)
        case .notDue: self = .notDue
        }
    }
}
