import Model
import Operations
import Rotations

extension MoveKind {
    static let configCalls: [MoveKind] = [
        .call("pause", weight: 2) { chance, hand in
            let until = chance.happens(percent: 50) ? hand.world.time.now() + .seconds(60 + chance.below(3600)) : nil
            return .pause(hand.config, until: until)
        },
        .call("resume", weight: 3) { chance, hand in .resume(hand.config) },
        .call("change settings", weight: 3) { chance, hand in
            let every: Duration? = chance.happens(percent: 30) ? nil : .seconds(chance.pick([3600, 86_400, 30 * 86_400]))
            return .set(hand.config, every: every, grace: .seconds(chance.pick([0, 600, 86_400])), proves: !chance.happens(percent: 10))
        },
        .call("remove", weight: 2) { chance, hand in
            let config = hand.config
            return Call("remove \(config)", on: config) { service in
                try await service.removeConfig(config, .recoverable, as: Scene.operatorAtRoot)
                return .done
            }.wishing(.removed)
        },
        .call("undelete", weight: 5) { chance, hand in .undelete(hand.config) },
        .call("purge", weight: 1) { chance, hand in
            let config = hand.config
            guard chance.happens(percent: 30) else { return nil }
            return Call("purge \(config)", on: config) { service in
                try await service.removeConfig(config, .purged, as: Scene.operatorAtRoot)
                return .done
            }
        },
        .call("make it again", weight: 2) { chance, hand in
            guard hand.record == nil else { return nil }
            return .set(hand.config, every: .seconds(86_400), grace: .seconds(600), proves: true)
        },
    ]
}

extension Call {
    static func set(_ config: ConfigName, every: Duration?, grace: Duration, proves: Bool) -> Call {
        let settings = Scene.settings(of: config, every: every, grace: grace, proves: proves)
        return Call("set \(config)", on: config) { service in
            try await service.putConfig(config, settings, .anything, as: Scene.operatorAtRoot)
            return .done
        }.wishing(.settings(everySeconds: every?.wholeSeconds))
    }

    static func pause(_ config: ConfigName, until: Timestamp?) -> Call {
        Call("pause \(config)", on: config) { service in
            try await service.pause(config, until: until, reason: nil, as: Scene.operatorAtRoot)
            return .done
        }.wishing(.paused(until: until))
    }

    static func resume(_ config: ConfigName) -> Call {
        Call("resume \(config)", on: config) { service in
            try await service.resumeConfig(config, as: Scene.operatorAtRoot)
            return .done
        }.wishing(.resumed)
    }

    static func undelete(_ config: ConfigName) -> Call {
        Call("undelete \(config)", on: config) { service in
            try await service.undeleteConfig(config, as: Scene.operatorAtRoot)
            return .done
        }.wishing(.undeleted)
    }
}
