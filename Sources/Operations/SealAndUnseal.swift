package import Access
import Model
import Rotations
import Secrets
import Synchronization
package import Vault

extension VaultService {
    /// Stops what is under way at its next durable point and forgets the keys.
    package func seal(as caller: Caller) async throws {
        try caller.require(.admin, on: .everything)
        guard await vault.sealedBecause == nil else { return }
        let now = clock.now()
        try await write(.begun) { _ in .changed((), AuditEvent(at: now, "vault.sealed", by: caller.audited)) }
        await runner.halt()
        await bearers.storeHeld()
        await vault.seal()
        bearers.forgetAll()
    }

    /// Looks for the vault and its key again, opens it, and resumes what was unfinished. Nothing happens when it is open.
    package func unseal(_ older: Admission.Older, as caller: Caller) async throws {
        try caller.require(.admin, on: .everything)
        guard await vault.sealedBecause != nil else { return }
        do { try await open(older, by: caller.audited) } catch { throw error.problem }
    }

    /// The same with the root key, which the caller unwrapped and sealed to the key on offer.
    package func unseal(with box: IncomingBox, _ older: Admission.Older, as caller: Caller) async throws {
        try caller.require(.admin, on: .everything)
        guard await vault.sealedBecause != nil else { return }
        guard let pair = sealedIntake.take(id: box.keyID) else { throw Problem.sealedToAnother(box) }
        let envelope = try box.opened(by: pair, for: .unseal, target: Self.unsealTarget, at: clock.now())
        guard envelope.content.fields == ["root_key"], let text = envelope.content.secret("root_key"),
            let rootKey = Secret.bytes(Cipher.keyBytes, hexadecimal: text)
        else { throw Problem(.badRequest, "The box must hold a 'root_key' of \(Cipher.keyBytes) bytes in hexadecimal, and nothing else.") }
        let shared = SharedSecret(rootKey)
        let (source, random) = (source, random)
        do {
            let opening = try await unlock(older, by: caller.audited) { _ throws(VaultError) in
                try source.open(rootKey: shared.secret, random: random)
            }
            try await takeUp(opening, by: caller.audited)
        } catch {
            throw error.problem
        }
    }

    /// There is but one vault that a daemon's box can be for.
    private static let unsealTarget = "vault"

    /// As `unseal` does, at the daemon's start.
    package func open(_ older: Admission.Older = .refused, by caller: AuditEvent.Caller?) async throws(VaultError) {
        try await takeUp(try await unlock(older, by: caller), by: caller)
    }

    /// Opens the vault for reading: from here on requests are answered. What was unfinished is known, and whoever waits for it waits for
    /// `takeUp`, which must follow.
    package func unlock(_ older: Admission.Older = .refused, by caller: AuditEvent.Caller?) async throws(VaultError) -> Opening {
        let (source, random) = (source, random)
        return try await unlock(older, by: caller) { now throws(VaultError) in try source.open(at: now, random: random) }
    }

    private func unlock(
        _ older: Admission.Older, by caller: AuditEvent.Caller?, _ body: @Sendable (Timestamp) throws(VaultError) -> OpenVault
    ) async throws(VaultError) -> Opening {
        await openings.enter()
        let opening = Opening(turn: openings, isFirst: await vault.sealedBecause != nil)
        guard opening.isFirst else { return opening }
        // A vault that sealed itself has left its rotations' drivers as they were, and may not be the same when it opens again.
        await runner.halt()
        bearers.forgetAll()
        let now = clock.now()
        takenUp.set(false)
        try await vault.unseal(Admission(at: now, by: caller, machine: source.machine, older: older)) { () throws(VaultError) in
            runner.prepare()
            stragglers.begin()
            return try body(now)
        }
        sealedIntake.burn()
        try await sealedOnFailure { try await forEachUnfinished(runner.announce(found:)) }
        return opening
    }

    /// Looks at all records, writes down that the vault is open, and resumes what was unfinished. Nothing goes out before.
    package func takeUp(_ opening: Opening, by caller: AuditEvent.Caller?) async throws(VaultError) {
        defer { opening.end() }
        guard opening.isFirst else { return }
        let now = clock.now()
        try await sealedOnFailure {
            try await vault.settle()
            try await vault.write(.begun) { _ in .changed((), AuditEvent(at: now, "vault.unsealed", by: caller)) }
            try await holdQuarantined()
            runner.goOn()
        }
        takenUp.set(true)
    }

    package enum Readiness: Sendable {
        case sealed
        /// Open for reading; what was unfinished is not resumed yet.
        case takingUp
        case ready
    }

    package var readiness: Readiness {
        get async {
            guard await vault.sealedBecause == nil else { return .sealed }
            return takenUp.isTrue ? .ready : .takingUp
        }
    }

    /// One at a time: held until what was unfinished is taken up.
    package final class Opening: Sendable {
        private let turn: Mutex<Window?>
        /// False when somebody else has opened the vault meanwhile.
        fileprivate let isFirst: Bool

        fileprivate init(turn: Window, isFirst: Bool) {
            self.turn = Mutex(turn)
            self.isFirst = isFirst
        }

        deinit { end() }

        fileprivate func end() {
            turn.withLock { turn in
                turn?.leave()
                turn = nil
            }
        }
    }

    /// Open, but without the entry that says so or with something unfinished left lying, it would look well.
    private func sealedOnFailure(_ body: () async throws -> Void) async throws(VaultError) {
        do { try await body() } catch {
            let why = error as? VaultError ?? .damaged(kind: "rotation")
            if await vault.sealedBecause == nil {
                await runner.halt()
                await vault.seal(because: why)
                bearers.forgetAll()
            }
            throw why
        }
    }

    func forEachUnfinished(_ body: (Rotation) async throws -> Void) async throws {
        try await forEachPage(of: .unfinished) { pointer in
            try await body(try await vault.read { try $0.rotation(pointer.id) })
        }
    }

    package var sealedBecause: VaultError? {
        get async { await vault.sealedBecause }
    }

    /// `nil` also while it is sealed.
    package var quarantine: Quarantine? {
        get async { try? await vault.read { try $0.vaultState().quarantine } }
    }
}

/// Whether what was unfinished when the vault was opened last is resumed.
final class TakenUp: Sendable {
    private let state = Mutex(false)

    var isTrue: Bool { state.withLock(\.self) }

    func set(_ isTrue: Bool) { state.withLock { $0 = isTrue } }
}
