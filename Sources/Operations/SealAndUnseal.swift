package import Access
import Model
import Rotations
package import Vault

extension VaultService {
    /// Stops what is under way at its next durable point and forgets the keys.
    package func seal(as caller: Caller) async throws {
        try policy.require(.admin, on: .everything, for: caller)
        guard await vault.sealedBecause == nil else { return }
        let now = clock.now()
        try await write { _ in .changed((), AuditEvent(at: now, "vault.sealed", by: caller.audited)) }
        await runner.halt()
        await vault.seal()
        bearers.forgetAll()
    }

    /// Looks for the vault and its key again, opens it, and resumes what was unfinished. Nothing happens when it is open.
    package func unseal(as caller: Caller) async throws {
        try policy.require(.admin, on: .everything, for: caller)
        guard await vault.sealedBecause != nil else { return }
        do { try await open(by: caller.audited) } catch let error as VaultError { throw error.problem }
    }

    /// The same at the daemon's start.
    package func open(by caller: AuditEvent.Caller?) async throws {
        try await vault.unseal(opening)
        let now = clock.now()
        do {
            try await vault.write { _ in .changed((), AuditEvent(at: now, "vault.unsealed", by: caller)) }
        } catch let error as VaultError {
            // Open without the entry that says so it must not be, nor with what was unfinished left lying.
            await vault.seal(because: error)
            throw error
        }
        try await resumeUnfinished()
    }

    private func resumeUnfinished() async throws {
        var cursor: [UInt8]?
        repeat {
            let from = cursor
            let page = try await read { view in
                try view.list(.unfinished, after: from, limit: 64).map { ($0.cursor, try view.rotation($0.value.id)) }
            }
            for (_, rotation) in page { runner.resume(rotation) }
            cursor = page.last?.0
        } while cursor != nil
    }

    package func intakeKey() async throws -> IntakeKeyList.Key {
        try await read { try $0.intakeKeys().onOffer }
    }

    package var sealedBecause: VaultError? {
        get async { await vault.sealedBecause }
    }
}
