import Simulation
import TestSupport
import Testing

@Suite struct `The simulator` {
    @Test func `replays a seed`() async throws {
        try await OwnThread.run { #expect(Run(seed: 1).play().trace.hash == Run(seed: 1).play().trace.hash) }
    }
}
