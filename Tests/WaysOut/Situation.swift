import Access
import Model
import Operations
import Rotations
import Secrets
import TestSupport

/// Where a config can be left, each reached by the real machine, runner and vault over a scripted backend.
enum Situation: String, CaseIterable, Sendable {
    case running = "running, the PUT is out"
    case waitingForCycle = "waiting for its next cycle"
    case waitingForToken = "waiting for a token"
    case waitingUnsent = "waiting for a token, nothing was sent yet"
    case waitingRefresh = "waiting, the token could not be refreshed"
    case waitingUnreached = "waiting, the backend was never reached"
    case rollbackWaits = "waiting, a rollback"
    case remoteWaits = "waiting, a change of the fields"
    case revertingWaits = "waiting on its way back"
    case stuckRefused = "stuck: refused after an unknown outcome"
    case stuckPutBack = "stuck: the earlier key can't be put back"
    case stuckFirst = "stuck: the very first key, said no to"
    case stuckCompromised = "stuck: the earlier key is compromised"
    case failedStagedAgain = "failed: refused, the key is staged again"
    case failedFirst = "failed: the very first key does not work"
    case failedAssumed = "failed: current by the operator's word"
    case failedDiscarded = "failed: refused, the key was discarded since"
    case rollbackRefused = "failed: a rollback was refused"
    case rollbackTooLate = "failed: a rollback was refused, the earlier key is erased since"
    case remoteRefused = "failed: a change of the fields was refused"
    case remoteStays = "failed: with the new fields the key does not work"
    case remoteAssumed = "failed: new fields by the operator's word, no key yet"
    case remoteRejected = "rejected: new fields, the earlier ones are back"
    case rejected = "rejected, nothing else is staged"
    case rejectedWithStock = "rejected, another key is staged"
    case cancelled = "cancelled"
    case unproven = "succeeded, but the backend can't try keys"
    case unconfirmed = "succeeded, but the backend never said that it stored it"
    case broken = "succeeded, but a later check failed"
    case pausedBroken = "paused after a later check failed"
    case paused = "paused"
    case pausedHolding = "paused while a rotation waits"
    case pausedStuck = "paused while a rotation is stuck"
    case unchecked = "a check without a token"
    case pausedFailed = "paused after a failed rotation"
    case due = "due, a key is staged"
    case overdue = "overdue, a key is staged"
    case overdueEmpty = "overdue, nothing is staged"
    case runningOut = "due within a week, nothing is staged"
    case well = "well"

    private static let no = Reason("the backend said no")
    private static let late = PutAnswer.unknown(Reason("no answer"), retryAfter: .seconds(7200))
    private static let day = Duration.seconds(86_400)

    func reached() async throws -> Position {
        let position = Position(keyturn: try await ServiceHarness())
        try await reach(position)
        return position
    }

    private func reach(_ here: Position) async throws {
        let keyturn = here.keyturn
        switch self {
        case .waitingUnreached:
            try await keyturn.setUp()
            try await keyturn.stage("key-one")
            keyturn.target.isAway = true
            try await here.rotate(pauses: 30)
            keyturn.target.isAway = false
        case .waitingUnsent, .cancelled:
            try await keyturn.setUp()
            try await keyturn.stage("key-one")
            try await here.dropBearer()
            try await here.rotate()
            if self == .cancelled { _ = try await keyturn.cancel(here.rotation()) }
        case .remoteAssumed:
            try await keyturn.setUp()
            keyturn.target.answer(puts: [.denied(Self.no), .refused(Self.no)])
            try await here.change()
            _ = try await keyturn.resolve(here.rotation(), .applied)
        case .stuckFirst, .failedFirst:
            try await keyturn.setUp()
            try await keyturn.stage("key-one")
            if self == .stuckFirst {
                keyturn.target.answer(puts: [.denied(Self.no)])
                try await here.rotate()
            } else {
                keyturn.target.answer(validates: Array(repeating: .fails(Self.no), count: 3))
                try await here.rotate(pauses: 2)
            }
        case .due, .overdue, .overdueEmpty, .runningOut, .paused, .well:
            try await keyturn.setUp(every: self == .paused || self == .well ? nil : Self.day)
            try await keyturn.stage("key-one")
            try await here.rotate()
            if self != .overdueEmpty, self != .runningOut { try await keyturn.stage("key-two") }
            switch self {
            case .due: keyturn.clock.advance(by: Self.day)
            case .overdue, .overdueEmpty: keyturn.clock.advance(by: Self.day * 2)
            case .paused: try await here.pause()
            default: break
            }
        default: try await reachSecondRotation(here)
        }
    }

    /// Those in which a first key is current and proven, and something happened on the way to the second.
    private func reachSecondRotation(_ here: Position) async throws {
        let keyturn = here.keyturn
        try await keyturn.setUp(every: nil, grace: self == .rollbackTooLate ? .seconds(60) : Self.day)
        try await keyturn.stage("key-one")
        try await here.rotate()
        try await keyturn.stage("key-two")
        if self == .rejectedWithStock { try await keyturn.stage("key-three") }
        keyturn.target.answer(puts: puts, validates: self == .unproven ? [.unsupported(Self.no)] : [])
        switch self {
        case .running:
            keyturn.target.closeGate()
            _ = try await keyturn.service.rotate(ServiceHarness.config, RotationRequest(.rotate), .not, as: ServiceHarness.root)
            await keyturn.target.puts(atLeast: 2)
        case .stuckCompromised:
            var request = RotationRequest(.rotate)
            request.isCompromised = true
            _ = try await keyturn.rotate(request)
        case .broken, .pausedBroken:
            try await here.rotate()
            keyturn.target.answer(validates: Self.failing)
            try await here.rotate(.prove, pauses: 2)
            if self == .pausedBroken { try await here.pause() }
        case .failedAssumed:
            try await here.rotate()
            keyturn.target.answer(puts: [.refused(Self.no)])
            _ = try await keyturn.resolve(here.rotation(), .applied)
        case .rollbackWaits:
            try await here.rotate()
            keyturn.target.answer(puts: [Self.late])
            try await here.rotate(.rollback)
        case .failedDiscarded:
            try await here.rotate()
            _ = try await keyturn.service.discard(2, of: ServiceHarness.config, .stagedOnly, as: ServiceHarness.root)
        case .rollbackRefused, .rollbackTooLate:
            try await here.rotate()
            keyturn.target.answer(puts: [.refused(Self.no)])
            try await here.rotate(.rollback)
            guard self == .rollbackTooLate else { break }
            keyturn.clock.advance(by: .seconds(60))
            _ = await keyturn.service.eraseOnce()
        case .remoteWaits, .remoteRefused, .remoteStays, .remoteRejected:
            try await here.rotate()
            try await reachChange(here)
        case .unchecked:
            try await here.rotate()
            keyturn.target.answer(validates: [.unauthorized(Self.no)])
            try await here.rotate(.prove)
        case .pausedHolding, .pausedFailed, .pausedStuck:
            try await here.rotate()
            try await here.pause()
        case .waitingRefresh:
            try await keyturn.setRefreshToken()
            keyturn.target.answer(refreshWith: "bearer-2")
            keyturn.target.answer(refreshes: [.unknown, .unknown])
            try await here.rotate()
        default: try await here.rotate()
        }
    }

    /// Those in which a second key is current and proven, and something happened on the way to other fields.
    private func reachChange(_ here: Position) async throws {
        let target = here.keyturn.target
        switch self {
        case .remoteRefused:
            target.answer(puts: [.refused(Self.no)])
            try await here.change()
        case .remoteStays:
            target.answer(validates: Self.failing)
            try await here.change(pauses: 2)
        default:
            target.answer(lookUp: .listed(fields: RemoteFields(name: "former"), usesSharedKey: false))
            target.answer(puts: self == .remoteWaits ? [Self.late] : [], validates: self == .remoteRejected ? Self.failing : [])
            try await here.change(pauses: self == .remoteRejected ? 2 : 0)
        }
    }

    private static let failing = Array(repeating: ValidateAnswer.fails(no), count: 3)

    private var puts: [PutAnswer] {
        switch self {
        case .waitingForCycle, .pausedHolding: [Self.late]
        case .waitingForToken: [.unauthorized(Self.no)]
        case .revertingWaits: [.denied(Self.no), Self.late]
        case .stuckRefused, .pausedStuck, .failedAssumed: [.noVerdict, .refused(Self.no)]
        case .stuckPutBack: [.denied(Self.no), .refused(Self.no)]
        case .stuckCompromised: [.denied(Self.no)]
        case .failedStagedAgain, .failedDiscarded, .pausedFailed: [.refused(Self.no)]
        case .rejected, .rejectedWithStock: [.rejected(Self.no)]
        case .unconfirmed: [.noVerdict, .noVerdict]
        default: []
        }
    }
}

/// A config in some situation.
struct Position: Sendable {
    let keyturn: ServiceHarness

    /// A key that was never staged before.
    func freshKey() -> String { "key-\(keyturn.random.bytes(8).map(String.init).joined(separator: "-"))" }

    func rotate(_ kind: RotationPlan.Kind = .rotate, pauses: Int = 0) async throws {
        try await settle(RotationRequest(kind), pauses)
    }

    /// Another name at the backend.
    func change(pauses: Int = 0) async throws {
        var request = RotationRequest(.remote)
        request.fields = RemoteFields(name: "renamed")
        try await settle(request, pauses)
    }

    private func settle(_ request: RotationRequest, _ pauses: Int) async throws {
        let rotating = Task { try await keyturn.rotate(request) }
        for _ in 0..<pauses {
            await keyturn.clock.sleepers(atLeast: 1)
            keyturn.clock.advance(by: .milliseconds(2500))
        }
        _ = try await rotating.value
    }

    func pause() async throws {
        try await keyturn.service.pause(ServiceHarness.config, until: nil, reason: "an incident", as: ServiceHarness.root)
    }

    /// A change of trust does that.
    func dropBearer() async throws {
        let address = try await keyturn.service.upstream(ServiceHarness.upstream, as: ServiceHarness.root).address
        let other = UpstreamAddress(
            name: address.name, baseURL: address.baseURL, caPEM: "another", pinSHA256: nil, workspaceID: address.workspaceID)
        try await keyturn.service.putUpstream(
            ServiceHarness.upstream, UpstreamSettings(address: other, allowsPlainHTTP: false), bearer: nil, as: ServiceHarness.root)
    }

    func setToken() async throws {
        let address = try await keyturn.service.upstream(ServiceHarness.upstream, as: ServiceHarness.root).address
        let box = try await keyturn.box("upstream-token", target: "fb", credential: #"{"access_token":"bearer-2"}"#)
        try await keyturn.service.putUpstream(
            ServiceHarness.upstream, UpstreamSettings(address: address, allowsPlainHTTP: false), bearer: box, as: ServiceHarness.root)
    }

    var config: ConfigSnapshot {
        get async throws { try await keyturn.service.config(ServiceHarness.config, as: ServiceHarness.root) }
    }

    /// The latest one.
    func rotation() async throws -> RotationID {
        guard let id = try await config.record.lastRotation else { throw Problem(.unknownRotation, "none") }
        return id
    }

    /// What `status` says of the config.
    func attention() async throws -> StatusSnapshot.Attention? {
        try await keyturn.service.status(as: ServiceHarness.root).attention.first
    }

    /// What `history` says is to be done about the latest rotation.
    func nextStepInHistory() async throws -> String? {
        let rotation = try await keyturn.service.rotation(rotation(), as: ServiceHarness.root)
        return try await keyturn.service.nextSteps(after: [rotation])[rotation.id]
    }
}
