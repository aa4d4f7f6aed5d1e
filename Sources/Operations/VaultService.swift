import Access
package import Model
package import Rotations
package import Secrets
package import Vault

/// All that callers can ask for, one file per operation: decide, do, audit, in that visible order.
package struct VaultService: Sendable {
    let vault: VaultStore
    let runner: RotationRunner
    let targets: any TargetProvider
    let bearers: UpstreamBearers
    let clock: any RotationClock
    let random: any RandomSource
    let source: any VaultSource
    let sealedIntake = SealedIntake()
    /// Whose turn it is to open the vault.
    let openings = Window(size: 1)
    let takenUp = TakenUp()
    let auditReadings = AuditReadings()
    package let denials = Denials()
    private let limitsInForce: InForce<OperationLimits>
    let stragglers: StragglerWatch

    package init(
        vault: VaultStore, runner: RotationRunner, targets: any TargetProvider, bearers: UpstreamBearers, clock: any RotationClock,
        random: any RandomSource, limits: InForce<OperationLimits>, stragglers: StragglerWatch, source: any VaultSource
    ) {
        self.vault = vault
        self.runner = runner
        self.targets = targets
        self.bearers = bearers
        self.clock = clock
        self.random = random
        limitsInForce = limits
        self.stragglers = stragglers
        self.source = source
    }

    /// Returns once the vault's thread has had a turn for this; never, where something blocks it.
    package func answers() async {
        _ = await vault.sealedBecause
    }

    var limits: OperationLimits { limitsInForce.current }

    /// After how many cycles without an answer a rotation is stuck.
    package var cyclesMax: Int { runner.limits.cyclesMax }

    /// Reads what is durable; trouble with the vault comes as its problem.
    func read<Outcome: Sendable>(_ body: @Sendable (VaultView) throws -> Outcome) async throws -> Outcome {
        do { return try await vault.read(body) } catch let error as VaultError { throw error.problem }
    }

    /// All records of a kind, page by page; what `body` writes meanwhile may or may not be among them.
    func forEachPage<Value: Decodable & Sendable>(of kind: RecordKind<Value>, _ body: (Value) async throws -> Void) async throws {
        var cursor: [UInt8]?
        repeat {
            let from = cursor
            let page = try await vault.read { try $0.list(kind, after: from, limit: 64) }
            for stored in page { try await body(stored.value) }
            cursor = page.last?.cursor
        } while cursor != nil
    }

    /// One transaction; trouble with the vault comes as its problem.
    func write<Outcome: Sendable>(
        _ work: VaultStore.Work = .new, _ body: @escaping @Sendable (inout Transaction) throws -> Change<Outcome>
    ) async throws -> Outcome {
        do { return try await vault.write(work, body) } catch let error as VaultError { throw error.problem }
    }
}

/// Limits of what is kept and asked. The defaults are those of design.md.
package struct OperationLimits: Sendable, Equatable {
    package var stagedVersionsMax = 64
    /// How old the backend's list may be when a rotation looks for a shared key.
    package var listAge = Duration.seconds(600)
    /// How long after an unknown outcome a PUT may still land.
    package var stragglerHorizon = Duration.seconds(3600)
    package var idempotencyAge = Duration.seconds(86_400)
    /// How long a removed config can come back.
    package var removalAge = Duration.seconds(30 * 86_400)
    package var graceMax = Duration.seconds(30 * 86_400)
    package var overdueAfter = Duration.seconds(86_400)
    package var textMax = 200
    /// While a backup is read, the vault's write-ahead log only grows: a caller that has gone to sleep must not fill the disk.
    package var backupTimeMax = Duration.seconds(600)

    package init() {}
}

extension Caller {
    var audited: AuditEvent.Caller { AuditEvent.Caller(uid: uid, unit: unit) }
}
