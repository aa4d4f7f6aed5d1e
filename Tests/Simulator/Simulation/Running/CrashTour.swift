import Model
import Operations
import Rotations

/// Every path of a rotation, and on each path a kill at every point where the daemon can be killed, and on each of those a second kill at
/// every point of the resume.
package struct CrashTour: Sendable {
    /// What the backend does on this path, in order; afterwards all is well.
    package struct Path: Sendable, CustomStringConvertible {
        package let description: String
        let puts: [PutRow]
        let validates: [ValidateRow]
        let bearer: Bearer
        let call: @Sendable (World) -> Call
        let stock: Stock

        /// What the config has when it begins.
        enum Stock {
            case nothing
            /// A current and a previous version.
            case twoKeys
            /// A third one as well, staged.
            case threeKeys
        }

        enum Bearer: Sendable {
            case good, dead
            /// The next refreshes end so.
            case refreshable([RefreshRow])
        }

        init(
            _ description: String, puts: [PutRow] = [], validates: [ValidateRow] = [], bearer: Bearer = .good,
            kind: RotationPlan.Kind = .rotate
        ) {
            self.init(description, puts, validates, bearer, kind == .rotate ? .threeKeys : .twoKeys) { _ in
                var request = RotationRequest(kind)
                if kind == .remote { request.fields = RemoteFields(name: "second") }
                return .rotate(request, World.touredConfig, waits: true)
            }
        }

        init(
            _ description: String, _ puts: [PutRow], _ validates: [ValidateRow], _ bearer: Bearer, _ stock: Stock,
            _ call: @escaping @Sendable (World) -> Call
        ) {
            self.description = description
            self.puts = puts
            self.validates = validates
            self.bearer = bearer
            self.stock = stock
            self.call = call
        }

        /// What an operator does to the vault, with a rotation under way whose outcome is not known yet.
        static func during(_ description: String, _ call: @escaping @Sendable (World) -> Call) -> Path {
            Path(description, [.timedOutNever], [], .good, .threeKeys) { world in
                world.callers.begin(.rotate(RotationRequest(.rotate), World.touredConfig, waits: true))
                world.run(for: .seconds(2))
                return call(world)
            }
        }

        /// What an operator does once a rotation rests, is stuck, or has ended.
        static func after(
            _ puts: [PutRow], _ description: String, isCompromised: Bool = false, _ call: @escaping @Sendable (World) -> Call?
        ) -> Path {
            Path("\(description) after \(puts.map(\.rawValue).joined(separator: ", "))", puts, [], .good, .threeKeys) { world in
                var request = RotationRequest(.rotate)
                request.isCompromised = isCompromised
                world.callers.begin(.rotate(request, World.touredConfig, waits: true))
                world.run(for: .seconds(20))
                return call(world) ?? .status
            }
        }

        /// The vault is lost just after it put something that lands much later; the daemon has run for long, and opens the last backup.
        static func restoredUnderTheDaemon(
            _ kind: RotationPlan.Kind, puts: [PutRow] = [.timedOutVeryLate], _ description: String,
            then: @escaping @Sendable (World) -> Call
        ) -> Path {
            let course = "\(kind.rawValue): \(puts.map(\.rawValue).joined(separator: ", "))"
            // Put back is what came along, while what was staged later did not.
            let stock: Stock = puts.count == 1 ? .threeKeys : .twoKeys
            return Path("\(course), then the vault is restored under the daemon and \(description)", [], [], .good, stock) { world in
                world.run(for: .seconds(2 * 3600))
                world.callers.begin(.backUp(to: world.backup))
                world.run(for: .seconds(1))
                if stock == .twoKeys { world.stage() }
                world.backend.remotes[Scene.remote(of: World.touredConfig)]?.puts = puts
                world.callers.begin(.rotate(RotationRequest(kind), World.touredConfig, waits: true))
                world.run(for: .seconds(15))
                world.restoreBackupWhileSealed()
                world.run(for: .seconds(5))
                return then(world)
            }
        }
    }

    package static let paths = rows + kinds + duringOthers + afterwards + resolutions + copies + firstKeys + adoptions

    /// One row of the table each, a refusal after an unknown outcome, and each validate.
    private static let rows: [Path] =
        PutRow.allCases.map { Path("\($0.rawValue)", puts: [$0]) }
        + [PutRow.rejected, .forbidden, .deniedNotStored, .unauthorized, .noVerdictStored].flatMap { row in
            [PutRow.droppedAfterEffect, .timedOutLate].map { Path("\($0.rawValue), then \(row.rawValue)", puts: [$0, row]) }
        }
        // The look at the list before it begins wants a token, and so does the rotation.
        + RefreshRow.allCases.map { Path("refresh: \($0.rawValue)", puts: [.unauthorized], bearer: .refreshable([$0, $0])) }
        + ValidateRow.allCases.map { Path("validate: \($0.rawValue)", validates: Array(repeating: $0, count: 3)) }

    /// Longer ways, and the other kinds of rotation.
    private static let kinds: [Path] = [
        Path("put back, and that fails", puts: [.deniedStored, .timedOutStored, .forbidden]),
        Path("put back without a verdict", puts: [.deniedStored, .noVerdictNotStored, .noVerdictNotStored]),
        Path("neither works", validates: Array(repeating: .fails, count: 6)),
        Path("without a verdict twice", puts: [.noVerdictStored, .noVerdictStored]),
        Path("refreshed on the way", puts: [.unauthorized], bearer: .refreshable([])),
        Path("no bearer", bearer: .dead),
        Path("rollback", kind: .rollback),
        Path("rollback, refused after an unknown outcome", puts: [.timedOutNever, .rejected], kind: .rollback),
        Path("remote", kind: .remote),
        Path("remote, put back", validates: Array(repeating: .fails, count: 3), kind: .remote),
        Path("prove", kind: .prove),
        Path("prove fails", validates: Array(repeating: .fails, count: 3), kind: .prove),
    ]

    private static let duringOthers: [Path] = [
        .during("rekey") { _ in .rekey },
        .during("rekey, and the power goes") { world in
            world.diskFaults.next = [.torn]
            return .rekey
        },
        .during("add a slot") { .addSlot(random: $0.random) },
        .during("remove a slot") { world in
            world.callers.begin(.addSlot(random: world.random))
            world.run(for: .seconds(1))
            return .removeSlot
        },
        .during("back up") { .backUp(to: $0.backup) },
        .during("release what was restored") { world in
            world.callers.begin(.backUp(to: world.backup))
            world.run(for: .seconds(1))
            world.restoreBackup()
            return .releaseAll
        },
        .during("an older copy is put back") { world in
            world.copyDisk()
            world.run(for: .seconds(1))
            world.callers.begin(.mirrorCounter(of: world.daemon.vault))
            world.run(for: .seconds(1))
            world.putOlderCopyBack(.kept)
            return .acceptOlder
        },
        .during("the counter is lost") { world in
            world.loseCounter()
            return .acceptOlder
        },
        .during("another machine") { world in
            world.moveDisk(to: World.machines[1], .kept)
            return .releaseAll
        },
        .during("seal") { _ in .seal },
        .during("pause") { _ in .pause(World.touredConfig, until: nil) },
    ]

    private static let afterwards: [Path] = [
        .after([.unauthorized], "cancelled") { $0.toured.map { .cancel($0, of: World.touredConfig) } },
        .after(Array(repeating: .refusedConnection, count: 40), "cancelled") { $0.toured.map { .cancel($0, of: World.touredConfig) } },
        .after([.deniedStored], "the operator takes the earlier one", isCompromised: true) {
            $0.toured.map { .resolve($0, .notApplied, of: World.touredConfig) }
        },
        .after([.droppedAfterEffect, .rejected], "burnt", isCompromised: true) { _ in nil },
        .after([.throttledForLong, .droppedAfterEffect, .rejected], "rotated by hand") { _ in
            .rotate(RotationRequest(.rotate), World.touredConfig, waits: true)
        },
        .after([.forbidden], "discarded") { _ in .discard(3, .stagedOnly, of: World.touredConfig) },
        .after([.timedOutLate], "rolled back") { _ in .rotate(RotationRequest(.rollback), World.touredConfig, waits: true) },
    ]

    private static let copies: [Path] = [
        .restoredUnderTheDaemon(.rotate, "a new key is put", then: { $0.stageAndRotate() }),
        .restoredUnderTheDaemon(.rollback, "a new key is put", then: { $0.stageAndRotate() }),
        .restoredUnderTheDaemon(
            .rotate, puts: [.deniedStored, .timedOutVeryLate], "a new key is put in place of a burnt one",
            then: { $0.stageAndRotate(isCompromised: true) }),
        .restoredUnderTheDaemon(.rotate, "released") { world in
            world.callers.begin(.releaseAll)
            world.run(for: .seconds(1))
            return .rotate(RotationRequest(.rotate), World.touredConfig, waits: true)
        },
        .restoredUnderTheDaemon(.rollback, "released, and a new key is put") { world in
            world.callers.begin(.releaseAll)
            world.run(for: .seconds(1))
            return world.stageAndRotate()
        },
    ]

    /// Every word on a rotation that got stuck in one way or another.
    private static let resolutions: [Path] = Resolution.allCases.flatMap { word in
        [
            [PutRow.droppedAfterEffect, .forbidden], [.deniedStored, .forbidden], [.noVerdictStored, .forbidden, .forbidden],
            [.droppedAfterEffect, .forbidden, .droppedAfterEffect], [.deniedNotStored, .forbidden, .rejected],
            [.deniedNotStored, .forbidden, .deniedStored, .forbidden],
        ].map { puts in
            .after(puts, "resolved as \(word.rawValue)") { $0.toured.map { .resolve($0, word, of: World.touredConfig) } }
        }
    }

    package struct Report: Sendable {
        package var runs = 0
        package var points = 0
        package var failure: String?
    }

    /// `depth`: how many kills in one run at the most.
    package static func walk(_ path: Path, depth: Int) -> Report {
        var report = Report()
        walk(path, kills: [], depth: depth, &report)
        return report
    }

    /// Plays with these kills; then, where one more fits, with a further one at each point that was still passed after them.
    private static func walk(_ path: Path, kills: [Int], depth: Int, _ report: inout Report) {
        let (violation, passed) = play(path, kills: kills)
        report.runs += 1
        report.points += passed
        if let violation {
            report.failure = "\(path), killed after \(kills.map(String.init).joined(separator: ", then ")) points: \(violation)"
            return
        }
        guard kills.count < depth else { return }
        for point in 0..<passed where report.failure == nil { walk(path, kills: kills + [point], depth: depth, &report) }
    }

    /// Returns how many points were passed after the last kill, until the dust settled.
    package static func play(_ path: Path, kills: [Int], tells: (@Sendable (String) -> Void)? = nil) -> (Violation?, Int) {
        let world: World
        do { world = try World(seed: 1, disk: MemoryDisk(), trace: Trace(keepsLines: false, tells: tells)) } catch {
            preconditionFailure("no world could be made: \(error)")
        }
        defer { world.end() }
        world.prepare(path)
        world.crashes = CrashPlan(kills)
        let before = world.crashes.passed
        world.callers.begin(path.call(world))
        world.run(for: .seconds(45))
        let passed = world.crashes.passedSinceLast - (kills.isEmpty ? before : 0)
        world.settle()
        return (world.oracle.violation, passed)
    }
}

extension World {
    static var touredConfig: ConfigName { Scene.configs[0] }

    fileprivate func prepare(_ path: CrashTour.Path) {
        setUp(seed: 3)
        if path.stock != .nothing {
            for _ in 0..<2 {
                stage()
                rotate()
            }
        }
        if path.stock == .threeKeys { stage() }
        let remote = Scene.remote(of: Self.touredConfig)
        backend.remotes[remote]?.puts = path.puts
        backend.remotes[remote]?.validates = path.validates
        switch path.bearer {
        case .good: break
        case .refreshable(let rows):
            callers.begin(newBearer(at: Scene.upstream(of: Self.touredConfig), isRefresh: true))
            backend.upstreams[Scene.upstream(of: Self.touredConfig)]?.refreshes = rows
            run(for: .seconds(1))
        case .dead: backend.upstreams[Scene.upstream(of: Self.touredConfig)]?.access = []
        }
    }

    /// What is under way there.
    var toured: RotationID? { oracle.image.configs[Self.touredConfig]?.unfinished }

    func stageAndRotate(isCompromised: Bool = false) -> Call {
        stage()
        var request = RotationRequest(.rotate)
        request.isCompromised = isCompromised
        return .rotate(request, Self.touredConfig, waits: true)
    }

    func stage() {
        callers.begin(.stage(backend.newKey(for: Self.touredConfig, works: true), .next, Self.touredConfig, self))
        run(for: .seconds(1))
    }

    private func rotate() {
        callers.begin(.rotate(RotationRequest(.rotate), Self.touredConfig, waits: true))
        run(for: .seconds(1))
    }
}
