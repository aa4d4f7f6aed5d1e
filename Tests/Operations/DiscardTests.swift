import Model
import Operations
import Rotations
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct `Discarding a previous version` {
    /// Where the current one was confirmed by no PUT of its own, a check could never prove it.
    @Test(arguments: [
        ([PutAnswer.noVerdict, .noVerdict], [], "keyturn stage openai-prod"),
        ([], [ValidateAnswer.unsupported(Reason("seen"))], "keyturn prove openai-prod"),
    ]) func `is refused while the current one is not proven, with a step that can prove one`(
        _ puts: [PutAnswer], _ validates: [ValidateAnswer], _ nextStep: String
    ) async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        _ = try await keyturn.rotate()
        try await keyturn.stage("key-two")
        keyturn.target.answer(puts: puts, validates: validates)
        #expect(try await keyturn.rotate().state == .succeeded)
        // What may still land is kept by itself.
        keyturn.clock.advance(by: .seconds(3601))
        let problem = await #expect(throws: Problem.self) {
            try await keyturn.service.discard(1, of: ServiceHarness.config, .previousToo, as: ServiceHarness.root)
        }
        #expect(problem?.nextStep == nextStep)
    }
}
