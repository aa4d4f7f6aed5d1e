import FoundationEssentials
import Model
import Operations
import Rotations
import Secrets
import Vault

extension MoveKind {
    static let stagingCalls: [MoveKind] = [
        .call("stage", weight: 16) { chance, hand in
            let key = hand.world.backend.newKey(for: hand.config, works: !chance.happens(percent: 12))
            return .stage(key, .next, hand.config, hand.world)
        },
        .call("stage a key with fields", weight: 2) { chance, hand in
            let key = hand.world.backend.newKey(for: hand.config, works: true)
            return .stage(key, .next, hand.config, hand.world, fields: #","endpoint":"https://two.test/\#(chance.below(9))""#)
        },
        .call("adopt", weight: 2) { chance, hand in
            guard hand.record?.version(.current) == nil, hand.world.backend.remotes[hand.remote]?.stragglers.isEmpty == true else {
                return nil
            }
            let key = hand.world.backend.newKey(for: hand.config, works: true)
            // The operator put it there by hand and tells the truth; were a rotation faster, it would not be true any more.
            guard hand.record?.versions.isEmpty ?? false else { return nil }
            hand.world.backend.remotes[hand.remote]?.held = key
            return .stage(key, .current, hand.config, hand.world)
        },
        .call("discard", weight: 3) { chance, hand in
            guard let versions = hand.record?.versions, !versions.isEmpty else { return nil }
            let number = chance.pick(versions).number
            let reach: VaultService.DiscardReach = chance.happens(percent: 50) ? .previousToo : .stagedOnly
            return .discard(number, reach, of: hand.config)
        },
    ]
}

extension Call {
    static func stage(
        _ key: String, _ role: VaultService.StagedRole, _ config: ConfigName, _ world: World, fields: String = ""
    ) -> Call {
        let credential = #"{"key":"\#(key)"\#(fields)}"#
        return Call("\(role == .next ? "stage" : "adopt") \(key)", on: config) { service in
            let box = try await world.box("stage", for: config.description, credential, service)
            return .staged(try await service.stage(box, for: config, role, as: Scene.operatorAtRoot), key: key)
        }
    }

    static func discard(_ number: VersionNumber, _ reach: VaultService.DiscardReach, of config: ConfigName) -> Call {
        Call("discard \(number) of \(config), \(reach)", on: config) { service in
            _ = try await service.discard(number, of: config, reach, as: Scene.operatorAtRoot)
            return .done
        }
    }

    static func setBearer(_ token: String, isRefresh: Bool, at upstream: UpstreamName, _ world: World) -> Call {
        let content = #"{"\#(isRefresh ? "refresh_token" : "access_token")":"\#(token)"}"#
        return Call("set the bearer \(token)") { service in
            let box = try await world.box("upstream-token", for: upstream.description, content, service)
            let settings = UpstreamSettings(address: Scene.address(of: upstream), allowsPlainHTTP: false)
            try await service.putUpstream(upstream, settings, bearer: box, as: Scene.operatorAtRoot)
            return .done
        }
    }
}

extension World {
    /// Seals as a client does.
    func box(_ purpose: String, for target: String, _ credential: String, _ service: VaultService) async throws -> IncomingBox {
        let offered = try await service.intakeKey()
        let id = UUID(uuid: random.bytes(16).withUnsafeBytes { $0.loadUnaligned(as: uuid_t.self) })
        let envelope =
            #"{"v":1,"purpose":"\#(purpose)","target":"\#(target)","box":"\#(id)","expires_at":null,"credential":\#(credential)}"#
        return try IncomingBox(base64: Data(offered.key.seal(Array(envelope.utf8).span.bytes)).base64EncodedString(), keyID: offered.key.id)
    }
}
