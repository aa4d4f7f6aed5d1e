/// Many runs from one seed, until so many rotations were made or a promise broke.
package struct Campaign: Sendable {
    package let seed: UInt64
    package let rotations: Int
    package var disk = Run.DiskKind.memory
    package var variant: BrokenVariant?
    /// Stops after so many runs at the latest.
    package var runsMax = Int.max

    package struct Report: Sendable {
        package var runs = 0
        package var rotations = 0
        /// How often the daemon began, once a run and after each kill.
        package var lives = 0
        package var moves = 0
        /// Over all traces: the same for the same seed.
        package var hash = 0
        package var failure: (run: Run, outcome: Run.Outcome)?
    }

    package init(seed: UInt64, rotations: Int) {
        self.seed = seed
        self.rotations = rotations
    }

    /// `begins` is told each run's seed before the run: the last one heard is where the program died.
    package func play(begins: (UInt64) -> Void = { _ in }, ends: (Report) -> Void = { _ in }) -> Report {
        var chance = Chance(seed: seed)
        var report = Report()
        while report.rotations < rotations, report.runs < runsMax {
            let run = Run(seed: chance.next(), disk: disk, variant: variant)
            begins(run.seed)
            let outcome = run.play()
            report.runs += 1
            report.rotations += outcome.rotations
            report.lives += outcome.lives
            report.moves += outcome.moves
            report.hash = (report.hash &* 31) ^ outcome.trace.hash
            if outcome.violation != nil {
                report.failure = (run, outcome)
                break
            }
            ends(report)
        }
        return report
    }
}
