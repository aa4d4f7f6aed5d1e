import Model
import Operations
import Rotations
import Secrets
import Vault

extension MoveKind {
    static let vaultCalls: [MoveKind] = [
        .fault("set a bearer", weight: 5) { chance, world in
            let upstream = chance.pick(Scene.upstreams)
            world.callers.begin(world.newBearer(at: upstream, isRefresh: chance.happens(percent: 50)))
        },
        .fault("erase what is due", weight: 4) { _, world in
            world.callers.begin(
                Call("erase what is due") { service in
                    _ = await service.eraseOnce()
                    await service.eraseIdempotencyKeys()
                    return .done
                })
        },
        .fault("rotate what is due", weight: 2) { _, world in
            world.callers.begin(
                Call("rotate what is due") { service in
                    await service.rotateDueOnce(as: Scene.operatorAtRoot)
                    return .done
                })
        },
        .fault("look for room", weight: 3) { _, world in
            world.callers.begin(
                Call("look for room") { service in
                    await service.lookForRoom()
                    return .done
                })
        },
        .fault("mirror the counter", weight: 2) { _, world in world.callers.begin(.mirrorCounter(of: world.daemon.vault)) },
        .fault("rekey", weight: 1) { chance, world in
            if chance.happens(percent: 20) { world.diskFaults.next = [.torn] }
            world.callers.begin(.rekey)
        },
        .fault("add a slot", weight: 1) { _, world in world.callers.begin(.addSlot(random: world.random)) },
        .fault("remove a slot", weight: 1) { _, world in world.callers.begin(.removeSlot) },
        .fault("back up", weight: 2) { _, world in world.callers.begin(.backUp(to: world.backup)) },
        .fault("restore", weight: 1) { _, world in world.restoreBackup() },
        .fault("restore while sealed", weight: 1) { _, world in world.restoreBackupWhileSealed() },
        .fault("accept an older copy", weight: 2) { _, world in world.callers.begin(.acceptOlder) },
        .fault("release a config", weight: 1) { chance, world in world.callers.begin(.release(chance.pick(Scene.configs))) },
        .fault("release all", weight: 1) { _, world in world.callers.begin(.releaseAll) },
        .fault("status", weight: 1) { _, world in
            world.callers.begin(
                Call("status") { service in
                    _ = try await service.status(as: Scene.operatorAtRoot)
                    return .done
                })
        },
        .fault("seal", weight: 1) { _, world in world.callers.begin(.seal) },
        .fault("unseal", weight: 6) { _, world in world.callers.begin(.unseal) },
        .fault("unseal twice at once", weight: 1) { _, world in
            for _ in 1...2 { world.callers.begin(.unseal) }
        },
    ]
}

extension Call {
    static var rekey: Call {
        Call("rekey") { service in
            _ = try await service.rekey(as: Scene.operatorAtRoot)
            return .done
        }
    }

    /// For a recovery key that nobody keeps.
    static func addSlot(random: any RandomSource) -> Call {
        Call("add a slot") { service in
            let entry = SlotEntry.recipient(
                BoxKeyPair(random: random).publicKey, name: nil, at: Timestamp(milliseconds: 0), random: random)
            _ = try await service.addSlot(entry, as: Scene.operatorAtRoot)
            return .done
        }
    }

    /// One that was added: the daemon's own stays.
    static var removeSlot: Call {
        Call("remove a slot") { service in
            guard let slot = try await service.slots(as: Scene.operatorAtRoot).first(where: { $0.entry.kind != .credential }) else {
                return .done
            }
            _ = try await service.removeSlot(slot.entry.id, as: Scene.operatorAtRoot)
            return .done
        }
    }

    static func backUp(to kept: KeptBackup) -> Call {
        Call("back up") { service in
            var pieces: [[UInt8]] = []
            try await service.backUp(as: Scene.operatorAtRoot).write { pieces.append($0) }
            kept.keep(pieces)
            return .done
        }
    }

    static func release(_ config: ConfigName) -> Call {
        Call("release \(config)", on: config) { service in
            try await service.release(config, as: Scene.operatorAtRoot)
            return .done
        }.meaning(.releases(config))
    }

    static var releaseAll: Call {
        Call("release all") { service in
            try await service.releaseAll(as: Scene.operatorAtRoot)
            return .done
        }.meaning(.releasesAll)
    }

    static func mirrorCounter(of vault: VaultStore) -> Call {
        Call("mirror the counter") { _ in
            await vault.mirrorCounter()
            return .done
        }
    }

    static var status: Call {
        Call("status") { .status(try await $0.status(as: Scene.operatorAtRoot)) }
    }

    static var seal: Call {
        Call("seal") { service in
            try await service.seal(as: Scene.operatorAtRoot)
            return .done
        }
    }

    static var sealAndUnseal: Call {
        Call("seal and unseal") { service in
            try await service.seal(as: Scene.operatorAtRoot)
            try await service.unseal(.refused, as: Scene.operatorAtRoot)
            return .done
        }
    }

    static var acceptOlder: Call {
        Call("unseal, be it an older copy") { service in
            try await service.unseal(.accepted, as: Scene.operatorAtRoot)
            return .done
        }.meaning(.acceptsOlder)
    }

    static var unseal: Call {
        Call("unseal") { service in
            try await service.unseal(.refused, as: Scene.operatorAtRoot)
            return .done
        }
    }
}

extension World {
    /// A bearer that the backend takes, given by the operator.
    func newBearer(at upstream: UpstreamName, isRefresh: Bool) -> Call {
        backend.upstreams[upstream, default: .init()].tokensMade += 1
        let token = "\(isRefresh ? "refresh" : "access")-\(upstream)-\(backend.upstreams[upstream]?.tokensMade ?? 0)"
        if isRefresh {
            backend.upstreams[upstream]?.refresh = token
        } else {
            backend.upstreams[upstream]?.access.insert(token)
        }
        return .setBearer(token, isRefresh: isRefresh, at: upstream, self)
    }
}
