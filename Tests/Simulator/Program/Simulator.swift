import Simulation

@main struct Simulator {
    static func main() {
        var rotations = 0
        var lives = 0
        var failures = 0
        let runs = Int(CommandLine.arguments[1])!
        let first = UInt64(CommandLine.arguments[2])!
        for seed in first..<first + UInt64(runs) {
            let run = Run(seed: seed)
            let outcome = run.play()
            rotations += outcome.rotations
            lives += outcome.lives
            if let violation = outcome.violation {
                print("seed \(seed): \(violation) after \(outcome.moves) moves")
                failures += 1
                if failures == 1 {
                    let (shrunk, _) = run.shrunk(from: outcome)
                    let again = shrunk.play(keepsTrace: true)
                    print(again.trace.lines.joined(separator: "\n"))
                    for move in shrunk.script.moves { print(move) }
                }
                if failures > 12 { break }
            }
        }
        print("\(rotations) rotations, \(lives) lives")
    }
}
