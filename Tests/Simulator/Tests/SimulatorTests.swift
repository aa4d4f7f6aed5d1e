import Simulation
import Testing

@Suite struct `The simulator` {
    @Test func `replays a seed`() {
        #expect(Run(seed: 1).play().trace.hash == Run(seed: 1).play().trace.hash)
    }
}
