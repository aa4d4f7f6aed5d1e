import Access
import Flashback
import FlashbackStandIn
import Foundation
import Model
import Operations
import Outbound
import Rotations
import SQLiteEngine
import Secrets
import Vault

/// A vault on disk with many configs, the real operations over it, and a stand-in backend over TLS.
final class Field: Sendable {
    let folder: String
    let standIn: StandIn
    let service: VaultService
    let runner: RotationRunner
    let vault: VaultStore
    let address: UpstreamAddress
    private let running: Task<Void, Never>

    static let root = Caller(
        CallerIdentity(uid: 0, gid: 0, groups: [], pid: 1, unit: nil), under: .ownerOnly(daemonUID: 0))
    static let upstream = try! UpstreamName("fb")
    static let bearer = "stand-in-access"

    init(configs: Int, staged: Int) async throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("keyturn-bench-\(UUID())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var options = FlashbackStandIn.Options()
        options.receivedMax = 0
        options.bearers = [Self.bearer]
        standIn = try await StandIn.start(options)
        let random = SystemRandom()
        let clock = WallClock()
        let place = VaultFolder(path: "\(folder)/vault")
        let keyFile = place.defaultKeyFile
        let now = clock.now()
        try place.create { (engine) throws(VaultError) in
            try OpenVault.create(
                in: engine, unlockKey: KeyFile.readOrCreate(keyFile, random: random), recovery: nil, owner: nil, at: now, random: random)
        }
        let events = EventHub(listeners: [Silence()])
        vault = VaultStore(audience: events, mirror: CounterFile(path: place.defaultCounterFile))
        let targets = FlashbackBackend()
        let bearers = UpstreamBearers(vault: vault, targets: targets, clock: clock)
        let limits = InForce(OperationLimits())
        let stragglers = StragglerWatch(clock: clock, limits: limits)
        let runner = RotationRunner(
            journal: VaultJournal(vault: vault, clock: clock, limits: limits, stragglers: stragglers), bearers: bearers, targets: targets,
            clock: clock,
            random: random, observer: events, limits: InForce(RotationLimits()))
        self.runner = runner
        service = VaultService(
            vault: vault, runner: runner, targets: targets, bearers: bearers, clock: clock, random: random,
            limits: limits, stragglers: stragglers, source: Place(folder: place))
        address = UpstreamAddress(
            name: Self.upstream, baseURL: try BaseURL(standIn.baseURL, plainHTTP: .refused), caPEM: standIn.caPEM, pinSHA256: nil,
            workspaceID: nil)
        running = Task { await runner.run() }
        try await service.open(by: nil)
        try await setUp(configs: configs, staged: staged)
    }

    static func name(_ index: Int) -> ConfigName { try! ConfigName("config-\(index)") }

    private func setUp(configs: Int, staged: Int) async throws {
        let settings = UpstreamSettings(address: address, allowsPlainHTTP: false)
        // Without a bearer nobody looks at the backend's list for each new config.
        try await service.putUpstream(Self.upstream, settings, bearer: nil, as: Self.root)
        try await inParallel(configs) { index in
            let binding = ConfigRecord.Binding(
                upstream: Self.upstream, remoteID: try RemoteID("remote-\(index)"), aiType: .openAI, field: .key)
            self.standIn.addConfiguration(id: "remote-\(index)", name: "remote \(index)")
            try await self.service.putConfig(
                Self.name(index),
                ConfigSettings(binding: binding, every: .seconds(30 * 86_400), grace: .seconds(86_400), proves: true, description: nil),
                .anything,
                as: Self.root)
            if index < staged {
                try await self.stage(index, "key-\(index)-first", .current)
                try await self.stage(index, "key-\(index)-next", .next)
            }
        }
        let token = try await box("upstream-token", "fb", #"{"access_token":"\#(Self.bearer)"}"#)
        try await service.putUpstream(Self.upstream, settings, bearer: token, as: Self.root)
    }

    func stage(_ index: Int, _ key: String, _ role: VaultService.StagedRole) async throws {
        let box = try await box("stage", "\(Self.name(index))", #"{"key":"\#(key)"}"#)
        _ = try await service.stage(box, for: Self.name(index), role, as: Self.root)
    }

    func rotate(_ index: Int) async throws {
        let reply = try await service.rotate(Self.name(index), RotationRequest(.rotate), .untilSettled, as: Self.root)
        guard case .rotation(let rotation) = reply, rotation.state == .succeeded else {
            throw BenchFailure("a rotation did not succeed: \(reply)")
        }
    }

    /// Leaves the vault on disk for a daemon to serve.
    func closeVault() async throws {
        running.cancel()
        await runner.halt()
        try await service.seal(as: Self.root)
    }

    func end() async {
        running.cancel()
        await runner.halt()
        await standIn.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func box(_ purpose: String, _ target: String, _ credential: String) async throws -> IncomingBox {
        let key = try await service.intakeKey().key
        let envelope =
            #"{"v":1,"purpose":"\#(purpose)","target":"\#(target)","box":"\#(UUID())","expires_at":null,"credential":\#(credential)}"#
        let sealed = key.seal(Array(envelope.utf8).span.bytes)
        return try IncomingBox(base64: Data(sealed).base64EncodedString(), keyID: key.id)
    }
}

struct BenchFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// So many at once; enough to keep two cores busy.
func inParallel(_ count: Int, width: Int = 64, _ body: @escaping @Sendable (Int) async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<count {
            if index >= width { try await group.next() }
            group.addTask { try await body(index) }
        }
        try await group.waitForAll()
    }
}

struct WallClock: RotationClock {
    func now() -> Timestamp { Timestamp(Date()) }
    func uptime() -> Duration { .nanoseconds(Int64(DispatchTime.now().uptimeNanoseconds)) }
    func sleep(for duration: Duration) async { try? await Task.sleep(for: duration) }
}

struct Silence: EventListener {
    func recorded(_ entry: AuditEntry) {}
    func notRecorded(_ changes: Int) {}
    func roomChanged(to room: VaultStore.Room) {}
    func rotation(_ rotation: Rotation, step: String) {}
    func rotation(_ rotation: Rotation, cannotGoOn error: any Error) {}
}

/// The vault with its key file beside it.
private struct Place: VaultSource {
    let folder: VaultFolder
    var machine: String? { nil }

    func open(at time: Timestamp, random: any RandomSource) throws(VaultError) -> OpenVault {
        try folder.open(unlockKey: KeyFile.read(folder.defaultKeyFile, systemdCredential: false), at: time, random: random)
    }

    func open(rootKey: borrowing Secret, random: any RandomSource) throws(VaultError) -> OpenVault {
        try folder.open(rootKey: rootKey, random: random)
    }

    func slots() throws(VaultError) -> [Slot] { try folder.slots() }
}
