import Model

extension MoveKind {
    static let backendFaults: [MoveKind] = [
        .fault("the next PUT", weight: 22) { chance, world in
            world.backend.remotes[Scene.remote(of: chance.pick(Scene.configs))]?.puts.append(chance.pick(PutRow.allCases))
        },
        .fault("the next PUTs, all the same", weight: 3) { chance, world in
            let row = chance.pick(PutRow.allCases)
            let id = Scene.remote(of: chance.pick(Scene.configs))
            world.backend.remotes[id]?.puts += Array(repeating: row, count: 2 + chance.below(40))
        },
        .fault("the next validate", weight: 8) { chance, world in
            let row = chance.pick(ValidateRow.allCases)
            let id = Scene.remote(of: chance.pick(Scene.configs))
            world.backend.remotes[id]?.validates += Array(repeating: row, count: 1 + chance.below(4))
        },
        .fault("the next refresh", weight: 2) { chance, world in
            let row = chance.pick(RefreshRow.allCases)
            world.backend.upstreams[chance.pick(Scene.upstreams)]?.refreshes.append(row)
        },
        .fault("bearers die", weight: 2) { chance, world in
            world.backend.upstreams[chance.pick(Scene.upstreams)]?.access = []
        },
        .fault("the provider goes or comes", weight: 3) { _, world in world.backend.providerIsDown.toggle() },
        .fault("a key dies", weight: 1) { chance, world in
            guard let remote = world.backend.remotes[Scene.remote(of: chance.pick(Scene.configs))], remote.isOurs else { return }
            if let held = remote.held { world.backend.working.remove(held) }
        },
        .fault("the list goes or comes", weight: 2) { chance, world in
            world.backend.upstreams[chance.pick(Scene.upstreams)]?.hasList.toggle()
        },
        .fault("a shared key", weight: 1) { chance, world in
            world.backend.remotes[Scene.remote(of: chance.pick(Scene.configs))]?.usesSharedKey.toggle()
        },
        .fault("a configuration looks gone, or is listed again", weight: 2) { chance, world in
            let id = Scene.remote(of: chance.pick(Scene.configs))
            world.backend.remotes[id]?.isUnlisted.toggle()
            world.backend.remotes[id]?.validates.append(.notFound)
        },
        .fault("a configuration goes or comes", weight: 1) { chance, world in
            let id = Scene.remote(of: chance.pick(Scene.configs))
            world.backend.remotes[id]?.isGone.toggle()
            // What was stored went with it.
            world.backend.remotes[id]?.held = nil
            world.backend.remotes[id]?.isOurs = false
        },
    ]

    static let daemonFaults: [MoveKind] = [
        .fault("a kill to come", weight: 14) { chance, world in world.crashes.plan(after: chance.below(9)) },
        .fault("a kill", weight: 4) { _, world in world.kill() },
        .fault("a commit fails", weight: 6) { chance, world in
            let fault = chance.pick(DiskFaults.CommitFault.allCases)
            world.diskFaults.next += Array(repeating: fault, count: fault == .torn ? 1 : 1 + chance.below(3))
        },
        .fault("the disk fills up", weight: 2) { _, world in world.diskFaults.isFull = true },
        .fault("there is room again", weight: 4) { _, world in world.diskFaults.isFull = false },
        .fault("the clock jumps", weight: 3) { chance, world in
            world.jumpClock(chance.happens(percent: 50) ? .seconds(-chance.below(100_000)) : .seconds(chance.below(10_000)))
        },
    ]
}
