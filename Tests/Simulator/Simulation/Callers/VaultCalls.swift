import Model
import Operations
import Rotations
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
        .fault("status", weight: 1) { _, world in
            world.callers.begin(
                Call("status") { service in
                    _ = try await service.status(as: Scene.operatorAtRoot)
                    return .done
                })
        },
        .fault("seal", weight: 1) { _, world in
            world.callers.begin(
                Call("seal") { service in
                    try await service.seal(as: Scene.operatorAtRoot)
                    return .done
                })
        },
        .fault("unseal", weight: 6) { _, world in world.callers.begin(.unseal) },
    ]
}

extension Call {
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
