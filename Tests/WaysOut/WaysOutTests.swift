import Foundation
import Model
import Operations
import Rotations
import TestSupport
import Testing

@testable import keyturn

@Suite(.timeLimit(.minutes(5))) struct `Wherever a config was left` {
    /// Once a situation that is not well is reached, following the next steps ends in a proven key, and no step is refused on the way.
    @Test(arguments: Situation.allCases) func `the next steps, pasted one after the other, lead out`(_ situation: Situation) async throws {
        let here = try await situation.reached()
        if situation == .running { return here.keyturn.target.openGate() }
        var taken: [String] = []
        while true {
            while let step = try await here.nextStep() {
                taken.append(step)
                try await PastedStep(text: step).run(in: here)
                try #require(taken.count < 8, "going in circles: \(taken)")
            }
            // As long as an earlier PUT may land, nothing can be proven, and nothing is to be done.
            guard try await here.mayLand() else { break }
            here.keyturn.clock.advance(by: .seconds(3600))
        }
        let config = try await here.config
        #expect(config.state == .ok, "after \(taken)")
        #expect(config.record.version(.current)?.proof == .proven || situation == .cancelled, "after \(taken)")
    }

    /// The same step everywhere that it is shown.
    @Test(arguments: Situation.allCases) func `config show and history agree on the next step`(_ situation: Situation) async throws {
        let here = try await situation.reached()
        let inHistory = try await here.nextStepInHistory()
        if let inConfig = try await here.config.nextStep, let inHistory { #expect(inConfig == inHistory || here.isMoreUrgent(situation)) }
        here.keyturn.target.openGate()
    }

    @Test func `docs/rotations.md tells what is shown, and with which exit status`() async throws {
        var lines = ["| a config is left | its state | `status` ends with | next step |", "|---|---|---|---|"]
        for situation in Situation.allCases {
            let here = try await situation.reached()
            let (state, step) = (try await here.config.state.rawValue, try await here.nextStep())
            let exit = try await here.keyturn.service.status(as: ServiceHarness.root).exit
            let id = try await here.rotation()
            let shown = step.map { "`\($0.replacing("\(id)", with: "ID").replacing("openai-prod", with: "NAME"))`" } ?? "none"
            lines.append("| \(situation.rawValue) | \(state) | \(exit.rawValue) | \(shown) |")
            here.keyturn.target.openGate()
        }
        try expectInPage(lines)
    }

    @Test func `docs/rotations.md tells what each command comes to`() async throws {
        var lines = ["| | " + Deed.allCases.map { "`\($0.rawValue)`" }.joined(separator: " | ") + " |"]
        lines.append("|---|" + String(repeating: "---|", count: Deed.allCases.count))
        for situation in Situation.allCases {
            var cells: [String] = []
            for deed in Deed.allCases {
                let here = try await situation.reached()
                cells.append(try await deed.done(in: here))
                here.keyturn.target.openGate()
            }
            lines.append("| \(situation.rawValue) | \(cells.joined(separator: " | ")) |")
        }
        try expectInPage(lines)
    }

    /// Each word to a stuck rotation, where the backend takes the key again and where it goes on refusing.
    @Test func `docs/rotations.md tells what resolve comes to, and that one word always ends it`() async throws {
        let words = Resolution.allCases
        var lines = ["| | " + words.map { "`--\($0.rawValue)` | and refused again" }.joined(separator: " | ") + " |"]
        lines.append("|---|" + String(repeating: "---|", count: words.count * 2))
        for situation in Situation.allCases where situation.rawValue.hasPrefix("stuck") {
            var cells: [String] = []
            for word in words {
                for answers in [[], [PutAnswer.refused(Reason("the backend answered 403"))]] {
                    let here = try await situation.reached()
                    here.keyturn.target.answer(puts: answers)
                    let outcome = try await here.resolved(word)
                    cells.append(outcome)
                    if word == .applied { #expect(try await here.config.record.unfinished == nil) }
                    // As long as nothing is certain, no key that the backend may hold is gone.
                    if outcome == "stuck" || outcome == "failed" {
                        #expect(try await here.config.record.versions.count == (situation == .stuckFirst ? 1 : 2))
                    }
                }
            }
            lines.append("| \(situation.rawValue) | \(cells.joined(separator: " | ")) |")
        }
        try expectInPage(lines)
    }

    @Test(arguments: Situation.allCases.filter { !$0.rawValue.hasPrefix("stuck") })
    func `resolve is refused where nothing is stuck, or a pause holds it`(_ situation: Situation) async throws {
        let here = try await situation.reached()
        let refusal = situation == .pausedStuck ? "`paused`" : "`bad-request`"
        for word in Resolution.allCases { #expect(try await here.resolved(word) == refusal) }
        here.keyturn.target.openGate()
    }

    private func expectInPage(_ lines: [String]) throws {
        let page = try String(contentsOf: Self.page, encoding: .utf8)
        let missing = lines.filter { !page.contains($0 + "\n") }
        #expect(missing.isEmpty, "not in docs/rotations.md:\n\(missing.joined(separator: "\n"))")
    }

    private static let page = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/rotations.md")
}

extension Position {
    /// Whether a PUT with an unknown outcome may still land.
    fileprivate func mayLand() async throws -> Bool {
        let now = keyturn.clock.now()
        return try await config.record.versions.contains { $0.landsUntil.map { now < $0 } ?? false }
    }

    func resolved(_ word: Resolution) async throws -> String {
        do {
            return try await keyturn.resolve(rotation(), word).state.rawValue
        } catch let problem as Problem {
            return "`\(problem.code.rawValue)`"
        }
    }

    /// What is shown first: by `status`, then by the config, then by its history.
    func nextStep() async throws -> String? {
        if let attention = try await attention() { return attention.nextStep }
        if let inConfig = try await config.nextStep { return inConfig }
        return try await nextStepInHistory()
    }

    /// A schedule that has run out or a pause says more than a rotation that ended.
    fileprivate func isMoreUrgent(_ situation: Situation) -> Bool {
        [.overdue, .overdueEmpty, .due, .paused].contains(situation)
    }
}
