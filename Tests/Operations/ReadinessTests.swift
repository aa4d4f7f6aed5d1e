import Operations
import TestSupport
import Testing

@Suite struct `A vault that opens` {
    @Test func `is ready when what was unfinished is taken up, and not before`() async throws {
        let harness = try await ServiceHarness(opens: false)
        #expect(await harness.service.readiness == .sealed)
        let opening = try await harness.service.unlock(by: nil)
        #expect(await harness.service.readiness == .takingUp)
        try await harness.service.takeUp(opening, by: nil)
        #expect(await harness.service.readiness == .ready)
        try await harness.service.seal(as: ServiceHarness.root)
        #expect(await harness.service.readiness == .sealed)
        let again = try await harness.service.unlock(by: nil)
        #expect(await harness.service.readiness == .takingUp, "an earlier time does not count")
        try await harness.service.takeUp(again, by: nil)
    }
}
