extension Run {
    /// Shorter scripts that are tried: more help little, and each is a run.
    private static let triesMax = 300

    /// The shortest script found that breaks the same promise: first the prefix, then without whatever can be left out.
    package func shrunk(from outcome: Outcome) -> (run: Run, outcome: Outcome) {
        guard let promise = outcome.violation?.promise else { return (self, outcome) }
        var best = self
        var found = outcome
        best.script.moves.removeLast(script.moves.count - outcome.moves)
        func breaks(_ moves: [Move]) -> Bool {
            var candidate = best
            candidate.script = Script(moves: moves)
            let outcome = candidate.play()
            guard outcome.violation?.promise == promise else { return false }
            (best, found) = (candidate, outcome)
            best.script.moves.removeLast(moves.count - outcome.moves)
            return true
        }
        var triesLeft = Self.triesMax
        var size = max(best.script.moves.count / 2, 1)
        while triesLeft > 0 {
            var start = 0
            var hasShrunk = false
            while start < best.script.moves.count, triesLeft > 0 {
                triesLeft -= 1
                var moves = best.script.moves
                moves.removeSubrange(start..<min(start + size, moves.count))
                if breaks(moves) { hasShrunk = true } else { start += size }
            }
            if size == 1, !hasShrunk { break }
            if size > 1 { size /= 2 }
        }
        return (best, found)
    }
}
