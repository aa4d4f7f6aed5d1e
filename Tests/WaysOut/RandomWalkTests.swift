import Model
import Operations
import Rotations
import Secrets
import TestSupport
import Testing

private let no = Reason("the backend said no")

/// What the situations of the table don't reach: one thing after the other, at random, with keys that age and are discarded in between.
@Suite(.timeLimit(.minutes(5))) struct `On a random walk` {
    private static let moves = 40

    @Test(arguments: 1...60) func `no step that is shown is refused`(_ seed: Int) async throws {
        var walk = try await Walk(seed: UInt64(seed))
        try await walk.here.keyturn.setUp(every: .seconds(86_400), grace: .seconds(600))
        for _ in 1...Self.moves {
            try await walk.go()
            for step in try await walk.here.shown() where walk.chance.picks(1, of: 4) {
                do { try await PastedStep(text: step).run(in: walk.here) } catch let problem as Problem {
                    Issue.record(
                        "seed \(seed): \(walk.taken.joined(separator: ", ")), then '\(step)': \(problem.code.rawValue), \(problem.detail)")
                    return
                }
                walk.taken.append(step)
                // What else was shown was for how it was before.
                break
            }
        }
        await walk.here.keyturn.kill()
    }
}

private struct Walk {
    var here: Position
    var taken: [String] = []
    var chance: Chance

    init(seed: UInt64) async throws {
        here = Position(keyturn: try await ServiceHarness(seed: seed, limits: Self.limits))
        chance = Chance(random: SeededRandom(seed: seed))
    }

    /// Nothing that the clock has to be moved for: a seed walks the same way each time.
    private static var limits: RotationLimits {
        var limits = RotationLimits()
        limits.backoffFirst = .zero
        limits.proofGap = .zero
        return limits
    }

    private enum Move {
        case stage, rotate, rollback, prove, remote, compromised, discard, pause, resume, resolve, cancel, wait, restart
    }

    /// As often as they lead somewhere.
    private static let moves: [Move] = [
        .stage, .rotate, .rotate, .rotate, .rotate, .rollback, .rollback, .prove, .remote, .remote, .compromised, .discard, .discard,
        .pause,
        .resume, .resolve, .resolve, .cancel, .wait, .wait, .restart,
    ]

    private static let puts: [PutAnswer] = [
        .accepted, .denied(no), .noVerdict, .rejected(no), .unauthorized(no), .refused(no), .notSent(no), .unknown(no, retryAfter: nil),
        .unknown(no, retryAfter: .seconds(7200)),
    ]
    private static let validates: [ValidateAnswer] = [
        .fails(no), .unsupported(no), .notFound(no), .inconclusive(no), .unauthorized(no),
    ]

    /// One move under a backend in some mood. What is refused is left at that: it was not shown.
    mutating func go() async throws {
        let puts = (0..<max(chance.below(4) - 1, 0)).map { _ in chance.pick(Self.puts) }
        let validates = chance.picks(1, of: 4) ? Array(repeating: chance.pick(Self.validates), count: 3) : []
        here.keyturn.target.forgetAnswers()
        here.keyturn.target.answer(puts: puts, validates: validates)
        let move = chance.pick(Self.moves)
        let mood = (puts.map { "\($0)" } + validates.prefix(1).map { "\($0)" }).map { $0.prefix { $0 != "(" } }
        taken.append("\(move) \(mood.joined(separator: " "))")
        do { try await perform(move) } catch let problem as Problem { taken.append("refused as \(problem.code.rawValue)") }
    }

    private mutating func perform(_ move: Move) async throws {
        let keyturn = here.keyturn
        let record = try await here.config.record
        switch move {
        case .stage: try await keyturn.stage(here.freshKey())
        case .rotate:
            if record.version(.staged) == nil { try await keyturn.stage(here.freshKey()) }
            try await here.rotate()
        case .rollback: try await here.rotate(.rollback)
        case .prove: try await here.rotate(.prove)
        case .remote: try await here.change()
        case .compromised:
            var request = RotationRequest(.rotate)
            request.isCompromised = true
            _ = try await keyturn.rotate(request)
        case .discard:
            guard !record.versions.isEmpty else { return }
            _ = try await keyturn.service.discard(
                chance.pick(record.versions).number, of: ServiceHarness.config, .previousToo, as: ServiceHarness.root)
        case .pause: try await here.pause()
        case .resume: try await keyturn.service.resumeConfig(ServiceHarness.config, as: ServiceHarness.root)
        case .resolve: if let id = record.unfinished { try await keyturn.resolve(id, chance.pick(Resolution.allCases)) }
        case .cancel: if let id = record.unfinished { try await keyturn.cancel(id) }
        case .wait:
            keyturn.clock.advance(by: chance.pick([.seconds(700), .seconds(4000), .seconds(90_000)]))
            if let id = record.unfinished { keyturn.runner.wake(id) }
        case .restart:
            await keyturn.kill()
            here = Position(keyturn: try await ServiceHarness(after: keyturn, limits: Self.limits))
        }
        try await settle()
    }

    private func settle() async throws {
        if let id = try await here.config.record.unfinished { _ = await here.keyturn.runner.settled(id) }
        _ = await here.keyturn.service.eraseOnce()
    }
}

private struct Chance {
    let random: SeededRandom

    func below(_ count: Int) -> Int { Int(random.fraction() * Double(count)) }

    func picks(_ share: Int, of count: Int) -> Bool { below(count) < share }

    func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}

extension Position {
    /// Each step that is shown somewhere.
    fileprivate func shown() async throws -> [String] {
        var steps = [try await attention()?.nextStep, try await config.nextStep]
        if try await config.record.lastRotation != nil { steps.append(try await nextStepInHistory()) }
        return steps.compactMap(\.self)
    }
}
