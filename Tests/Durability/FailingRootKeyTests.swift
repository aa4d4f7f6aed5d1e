import Foundation
import Glibc
import TestProcesses
import Testing
import Vault

extension `A call that fails` {
    /// Those of a daemon in the middle of replacing all of a vault.
    static func whileReplacing(writes: Int, syncs: Int, renames: Int) -> [Kind] {
        ["EIO", "ENOSPC", "KILL"].flatMap { error in
            [
                Kind(call: .write, error: error, usualCount: writes), Kind(call: .sync, error: error, usualCount: syncs),
                Kind(call: .rename, error: error, usualCount: renames),
            ]
        }
    }

    static let replacing = whileReplacing(writes: 25, syncs: 7, renames: 8)

    @Test(arguments: replacing) func `while the root key is replaced is told, and leaves the old one or the new one`(_ kind: Kind)
        async throws
    {
        try await Replacement.each(kind, .rekey)
    }

    @Test(arguments: replacing) func `while a slot is removed is told, and leaves it or takes it for good`(_ kind: Kind) async throws {
        try await Replacement.each(kind, .slotRemoval)
    }
}

/// A vault with keys in several states and three ways in, made once.
private struct ManyWaysIn {
    let kept: KeptVault
    /// The slot that is removed.
    let second: String
    let look: Look

    static let secondKey = "second.key"
    static let recoveryKey = "recovery.key"

    static func keyFiles(of keyturn: Installation) -> [String] {
        [keyturn.keyFile, "\(keyturn.folder.path)/\(secondKey)", "\(keyturn.folder.path)/\(recoveryKey)"]
    }

    static let made = Task<ManyWaysIn, any Error> {
        try await Site.with { site in
            let keyturn = site.keyturn
            let keyFiles = keyFiles(of: keyturn)
            try await keyturn.initialise()
            try await keyturn.start()
            try await site.setUp()
            try await site.stage("key-2-Lb7cXn4r")
            try await site.granted("POST", Site.rotate, [:])
            try await site.stage("key-3-Td2gMk9p")
            let publicKey = try await keyturn.keyturn("recovery-key", keyFiles[2], "--json").document["public_key"].text ?? ""
            _ = try await keyturn.keyturn("slot", "add", "--recipient", publicKey)
            let second = try await keyturn.keyturn("slot", "add", "--key-file", keyFiles[1], "--json").document["id"].text ?? ""
            guard try await keyturn.terminate() == .exited(0) else { throw `A call that fails`.Wrong(description: keyturn.log) }
            let look = try await Look(at: keyturn, in: keyturn.folder, keyFiles: keyFiles)
            guard look.slots.count == 3, look.reading.keys.count == 3 else { throw `A call that fails`.Wrong(description: "\(look)") }
            return ManyWaysIn(kept: KeptVault(of: keyturn, keys: [secondKey, recoveryKey]), second: second, look: look)
        }
    }
}

/// Its root key is replaced, each time from the same files.
private struct Replacement {
    enum Operation { case rekey, slotRemoval }

    let keyturn: Installation
    let operation: Operation
    let vault: ManyWaysIn

    private typealias Wrong = `A call that fails`.Wrong

    static func each(_ kind: `A call that fails`.Kind, _ operation: Operation) async throws {
        let vault = try await ManyWaysIn.made.value
        try await Installation.with(settings: Site.settings) { keyturn in
            let replacement = Replacement(keyturn: keyturn, operation: operation, vault: vault)
            try await `A call that fails`.each(kind) { failing, log in try await replacement.attempt(failing, log) }
        }
    }

    // MARK: One failure

    private func attempt(_ failing: Faults.Failing, _ log: CallLog) async throws {
        try vault.kept.place(in: keyturn)
        let armed = try Trigger(in: keyturn.folder)
        var surroundings = `A call that fails`.surroundings(failing, keyturn, log)
        surroundings.faults?.armed = armed.path
        try await keyturn.start(in: surroundings)
        try await untilTakenUp()
        try armed.set(true)
        var told = try await ask(operation)
        try armed.set(false)
        let hasFailed = try log.entries().contains { if case .fault = $0 { true } else { false } }
        switch told {
        case .done: break
        case .refused: guard hasFailed else { throw Wrong(description: "refused without a failure") }
        case .cutOff: guard hasFailed, failing.error == "KILL" else { throw Wrong(description: "cut off\n\(keyturn.log)") }
        }
        // One failure is no trouble for long; after the other error the daemon is not given the time to show that.
        if told == .refused, failing.error == "EIO" { told = try await askAgain(operation) }
        try await keyturn.kill()
        guard keyturn.daemon?.ending == .signalled(SIGKILL) else {
            throw Wrong(description: "keyturnd \(String(describing: keyturn.daemon?.ending))")
        }
        let after = try await look(since: vault.look, told, operation)

        try await keyturn.start()
        let again: Operation = after.slots.contains(vault.second) ? operation : .rekey
        try await askAgain(again)
        guard try await keyturn.terminate() == .exited(0) else { throw Wrong(description: keyturn.log) }
        _ = try await look(since: after, .done, again)
    }

    private enum Told { case done, refused, cutOff }

    private func ask(_ operation: Operation) async throws -> Told {
        let reply: RawCall.Reply
        do {
            switch operation {
            case .rekey: reply = try await RawCall.send("POST", "/v1/rekey", body: "{}", to: keyturn.socket)
            case .slotRemoval: reply = try await RawCall.send("DELETE", "/v1/slots/\(vault.second)", to: keyturn.socket)
            }
        } catch {
            return .cutOff
        }
        guard reply.status != 200 else { return .done }
        let problem = try reply.document
        guard ["store-failed", "disk-full"].contains(problem.code), problem["detail"].text?.isEmpty == false,
            problem["next_step"].text?.isEmpty == false
        else { throw Site.Refused(reply: reply) }
        return .refused
    }

    @discardableResult
    private func askAgain(_ operation: Operation) async throws -> Told {
        guard try await ask(operation) == .done else {
            throw Wrong(description: "it can't be done again\n\(keyturn.log.suffix(2000))")
        }
        return .done
    }

    /// What the start itself writes is not counted.
    private func untilTakenUp() async throws {
        let end = ContinuousClock.now + .seconds(30)
        let count = vault.look.count(of: "vault.unsealed")
        while true {
            let entries = try await RawCall.send("GET", "/v1/audit?limit=1000", to: keyturn.socket).document["items"].items
            if entries.count(where: { $0["event"].text == "vault.unsealed" }) > count { return }
            guard ContinuousClock.now < end else { throw Wrong(description: "it is never taken up\n\(keyturn.log)") }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    // MARK: What is there then

    /// Old or new, and all of it.
    private func look(since: Look, _ told: Told, _ operation: Operation) async throws -> Look {
        let keyFiles = ManyWaysIn.keyFiles(of: keyturn)
        let after = try await Look(at: keyturn, in: keyturn.folder, keyFiles: keyFiles)
        try after.requireKeys(as: since)
        let isNew = !after.hasSameRootKey(as: since)
        guard isNew || told != .done else { throw Wrong(description: "the root key that was replaced is still there") }
        let event = operation == .rekey ? "vault.rekeyed" : "slot.removed"
        guard after.count(of: event) - since.count(of: event) == (isNew ? 1 : 0) else {
            throw Wrong(description: "the root key is \(isNew ? "new" : "the old one"), and the audit log says otherwise")
        }
        let left = operation == .slotRemoval && isNew ? since.slots.subtracting([vault.second]) : since.slots
        guard after.slots == left else { throw Wrong(description: "the slots are \(after.slots), not \(left)") }
        let copy = try VaultCopy(of: keyturn.vault, in: keyturn.folder)
        defer { copy.remove() }
        guard try copy.refusal(ofKeyFile: keyFiles[1]) == (left.contains(vault.second) ? nil : .wrongKey) else {
            throw Wrong(description: "the second key opens what it should not, or does not what it should")
        }
        guard try copy.refusal(ofRootKey: since.rootKey) == (isNew ? .wrongKey : nil) else {
            throw Wrong(description: "the root key is \(isNew ? "new" : "the old one"), and is not the one that opens it")
        }
        return after
    }
}
