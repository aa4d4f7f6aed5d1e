package import Access
package import FoundationEssentials
package import Model
package import Operations
package import Rotations
import Secrets
package import Vault

/// The whole domain over fakes: real machine, runner, operations and vault; clock, luck, disk and backend in the test's hand.
package final class ServiceHarness: Sendable {
    package let clock: HandMovedClock
    package let engine: MemoryEngine
    package let mirror: MemoryMirror
    package let target: ScriptedTarget
    package let random: SeededRandom
    package let service: VaultService
    package let runner: RotationRunner
    package let vault: VaultStore
    package let events: EventHub
    private let running: Task<Void, Never>

    package static let root = caller(uid: 0)
    package static let stranger = caller(uid: 4711)

    private static func caller(uid: UInt32) -> Caller {
        Caller(CallerIdentity(uid: uid, gid: uid, groups: [], pid: 1, unit: nil), under: .ownerOnly(daemonUID: 0))
    }

    /// Over the disk, clock and backend of `earlier`, this is the daemon after a restart; over `stored`, with a vault that was made elsewhere.
    /// Still sealed unless it `opens`. `machine`: on which it runs, where that matters.
    package init(
        seed: UInt64 = 1, after earlier: ServiceHarness? = nil, stored: (engine: MemoryEngine, keyBytes: [UInt8])? = nil,
        machine: String? = nil, limits rotationLimits: RotationLimits = RotationLimits(), opens: Bool = true
    ) async throws {
        clock = earlier?.clock ?? HandMovedClock()
        engine = earlier?.engine ?? stored?.engine ?? MemoryEngine()
        target = earlier?.target ?? ScriptedTarget()
        random = earlier?.random ?? SeededRandom(seed: seed)
        if earlier == nil, stored == nil {
            try OpenVault.create(
                in: engine, unlockKey: EngineSource(engine).unlockKey, recovery: nil, owner: nil, at: clock.now(), random: random)
        }
        events = EventHub(listeners: [Silence()])
        mirror = earlier?.mirror ?? MemoryMirror()
        vault = VaultStore(audience: events, mirror: mirror, kindNames: RecordNames.all)
        let bearers = UpstreamBearers(vault: vault, targets: target, clock: clock)
        let limits = InForce(OperationLimits())
        let stragglers = StragglerWatch(clock: clock, limits: limits)
        let runner = RotationRunner(
            journal: VaultJournal(vault: vault, clock: clock, limits: limits, stragglers: stragglers), bearers: bearers, targets: target,
            clock: clock,
            random: random, observer: events, limits: InForce(rotationLimits))
        self.runner = runner
        service = VaultService(
            vault: vault, runner: runner, targets: target, bearers: bearers, clock: clock, random: random,
            limits: limits, stragglers: stragglers,
            source: EngineSource(engine, keyBytes: stored?.keyBytes ?? EngineSource.defaultKey, machine: machine))
        running = Task { await runner.run() }
        if opens { try await service.open(by: nil) }
    }

    deinit { running.cancel() }

    /// Stops as a kill would: nothing more is driven.
    package func kill() async {
        running.cancel()
        await runner.halt()
    }

    // MARK: What most tests begin with

    package static let upstream = try! UpstreamName("fb")
    package static let config = try! ConfigName("openai-prod")

    /// An upstream with a bearer, and a config on it.
    package func setUp(every: Duration? = .seconds(30 * 86_400), grace: Duration = .seconds(86_400), proves: Bool = true) async throws {
        try await setBearer(#"{"access_token":"bearer-1"}"#)
        try await putConfig(Self.config, id: "remote-1", every: every, grace: grace, proves: proves)
    }

    /// Gives the upstream a refresh token, of which the daemon makes its bearers.
    package func setRefreshToken() async throws {
        try await setBearer(#"{"refresh_token":"refresh-1"}"#)
    }

    package func setToken(_ token: String) async throws {
        try await setBearer(#"{"access_token":"\#(token)"}"#)
    }

    private func setBearer(_ credential: String) async throws {
        let address = UpstreamAddress(
            name: Self.upstream, baseURL: try BaseURL("https://backend.test", plainHTTP: .refused), caPEM: nil, pinSHA256: nil,
            workspaceID: nil)
        let box = try await box("upstream-token", target: "fb", credential: credential)
        try await service.putUpstream(Self.upstream, UpstreamSettings(address: address, allowsPlainHTTP: false), bearer: box, as: Self.root)
    }

    package func putConfig(
        _ name: ConfigName, id: String, every: Duration? = nil, grace: Duration = .seconds(86_400), proves: Bool = true
    ) async throws {
        let binding = ConfigRecord.Binding(upstream: Self.upstream, remoteID: try RemoteID(id), aiType: .openAI, field: .key)
        let settings = ConfigSettings(binding: binding, every: every, grace: grace, proves: proves, description: nil)
        try await service.putConfig(name, settings, .anything, as: Self.root)
    }

    /// Seals a credential as a client would.
    package func box(
        _ purpose: String = "stage", target: String = "openai-prod", credential: String, expiresAt: Timestamp? = nil, id: UUID? = nil
    ) async throws -> IncomingBox {
        let key = try await service.intakeKey().key
        let expiry = expiresAt.map { "\"\($0)\"" } ?? "null"
        let id = id ?? UUID(uuid: random.bytes(16).withUnsafeBytes { $0.loadUnaligned(as: uuid_t.self) })
        let envelope =
            #"{"v":1,"purpose":"\#(purpose)","target":"\#(target)","box":"\#(id)","expires_at":\#(expiry),"credential":\#(credential)}"#
        let sealed = key.seal(Array(envelope.utf8).span.bytes)
        return try IncomingBox(base64: Data(sealed).base64EncodedString(), keyID: key.id)
    }

    @discardableResult
    package func stage(_ key: String, for name: ConfigName = config, _ role: VaultService.StagedRole = .next) async throws -> VersionRecord
    {
        let box = try await box(target: "\(name)", credential: #"{"key":"\#(key)"}"#)
        return try await service.stage(box, for: name, role, as: Self.root)
    }

    package func rotate(_ request: RotationRequest = RotationRequest(.rotate), _ name: ConfigName = config) async throws -> Rotation {
        try await service.rotate(name, request, .untilSettled, as: Self.root).settled()
    }

    @discardableResult
    package func resolve(_ id: RotationID, _ word: Resolution) async throws -> Rotation {
        try await service.resolve(id, word, .untilSettled, as: Self.root).settled()
    }

    @discardableResult
    package func cancel(_ id: RotationID) async throws -> Rotation {
        try await service.cancel(id, as: Self.root).settled()
    }

    package func states(_ name: ConfigName = config) async throws -> [VersionNumber: VersionState] {
        let snapshot = try await service.config(name, as: Self.root)
        return Dictionary(uniqueKeysWithValues: (snapshot.record.versions + snapshot.ended).map { ($0.number, $0.state) })
    }
}

extension RotationReply {
    /// Throws what the answer did not wait for.
    fileprivate func settled() throws -> Rotation {
        switch self {
        case .rotation(let rotation): return rotation
        case .interrupted(_, let problem): throw problem
        case .notDue: throw Problem(.badRequest, "nothing was due")
        }
    }
}

private struct Silence: EventListener {
    func recorded(_ entry: AuditEntry) {}
    func notRecorded(_ changes: Int) {}
    func roomChanged(to room: VaultStore.Room) {}
    func rotation(_ rotation: Rotation, step: String) {}
    func rotation(_ rotation: Rotation, cannotGoOn error: any Error) {}
}
