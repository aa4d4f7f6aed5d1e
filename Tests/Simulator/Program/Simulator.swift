import Simulation

@main struct Simulator {
    static func main() {
        var rotations = 0
        var lives = 0
        var failures = 0
        let runs = Int(CommandLine.arguments[1])!
        let first = UInt64(CommandLine.arguments[2])!
        let show = CommandLine.arguments.count > 3 ? Int(CommandLine.arguments[3])! : 1
        for seed in first..<first + UInt64(runs) {
            let run = Run(seed: seed)
            let outcome = run.play()
            rotations += outcome.rotations
            lives += outcome.lives
            if let violation = outcome.violation {
                print("seed \(seed): \(violation) after \(outcome.moves) moves")
                failures += 1
                if failures <= show {
                    let (shrunk, _) = run.shrunk(from: outcome)
                    let again = shrunk.play(keepsTrace: true)
                    let lines = again.trace.lines
                    let dust = lines.firstIndex { $0.hasSuffix("dust settles") } ?? lines.count
                    print(
                        (lines[min(22, dust)..<min(dust + 20, lines.count)] + ["..."] + lines[min(dust + 20, lines.count)...].suffix(12))
                            .joined(separator: "\n"))
                    print("seed \(seed)", again.violation!)
                    for move in shrunk.script.moves { print(move) }
                }
                if failures > 12 { break }
            }
        }
        print("\(rotations) rotations, \(lives) lives")
    }
}
