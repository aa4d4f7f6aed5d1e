import Foundation
import Model
import Operations
import SQLiteEngine
import Secrets
import TestProcesses
import Vault

/// A vault on the disk as somebody sees it who holds the keys of all its slots. A copy of it is looked at: the vault itself is left to the
/// next daemon.
struct Look: Sendable {
    let reading: VaultReading
    /// The ids of those that are listed.
    let slots: Set<String>
    let rootKey: SharedSecret

    struct Wrong: Error, CustomStringConvertible { let description: String }

    /// `keyFiles`: the first one opens it; each slot is for one of them.
    init(at keyturn: Installation, in scratch: PrivateFolder, keyFiles: [String]) async throws {
        let copy = try VaultCopy(of: keyturn.vault, in: scratch)
        defer { copy.remove() }
        // One of an earlier format is brought to today's by that.
        reading = try await VaultReading(folder: copy.folder.path, keyFile: keyFiles[0])
        let listed = try copy.again { try $0.slots() }
        slots = Set(listed.map(\.entry.id))
        guard slots == Set(reading.slots.map(\.id)) else { throw Wrong(description: "the sealed list has other slots than the file") }
        var found: SharedSecret?
        for slot in listed {
            let rootKey = try Self.rootKey(in: slot, keyFiles)
            guard found?.secret.matches(rootKey.secret) ?? true else { throw Wrong(description: "slots hold different root keys") }
            found = rootKey
        }
        guard let found else { throw Wrong(description: "there is no slot") }
        rootKey = found
    }

    private static func rootKey(in slot: Slot, _ keyFiles: [String]) throws -> SharedSecret {
        for file in keyFiles {
            let key = try KeyFile.read(file, systemdCredential: false)
            if let secret = slot.secret(keyFile: key), let rootKey = slot.rootKey(by: secret) { return SharedSecret(rootKey) }
        }
        throw Wrong(description: "the slot \(slot.entry.id) is listed, and opens with no key")
    }

    func count(of event: String) -> Int { reading.audit.count { $0.event.event == event } }

    func hasSameRootKey(as other: Look) -> Bool { rootKey.secret.matches(other.rootKey.secret) }

    /// Every key, and every version in its state.
    func requireKeys(as before: Look) throws {
        guard reading.keysOf == before.reading.keysOf else {
            throw Wrong(description: "keys were \(before.reading.keysOf), and are \(reading.keysOf)")
        }
        guard states == before.states else { throw Wrong(description: "versions were \(before.states), and are \(states)") }
    }

    private var states: [String] {
        let live = reading.configs.flatMap { config in config.versions.map { "\(config.name) \($0.number) \($0.state)" } }
        return (live + reading.ended.map { "ended \($0.number) \($0.state)" }).sorted()
    }
}

/// A copy of a vault that may be in use, to be opened once: who opens one twice may find it locked by a process that is just being started,
/// and has a copy of the first lock until it is a program of its own.
struct VaultCopy {
    let folder: VaultFolder
    private let scratch: PrivateFolder

    init(of vault: String, in scratch: PrivateFolder) throws {
        self.scratch = scratch
        folder = VaultFolder(path: "\(scratch.path)/\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            atPath: folder.path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        for name in ["vault.db", "vault.db-wal"] where FileManager.default.fileExists(atPath: "\(vault)/\(name)") {
            try FileManager.default.copyItem(atPath: "\(vault)/\(name)", toPath: "\(folder.path)/\(name)")
        }
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder.path) }

    /// With a copy of this one.
    func again<Outcome>(_ body: (VaultFolder) throws -> Outcome) throws -> Outcome {
        let copy = try VaultCopy(of: folder.path, in: scratch)
        defer { copy.remove() }
        return try body(copy.folder)
    }

    /// Why a key file does not open it; `nil` when it does.
    func refusal(ofKeyFile file: String) throws -> VaultError? {
        let key = try KeyFile.read(file, systemdCredential: false)
        return try again { folder in
            do throws(VaultError) { _ = try folder.open(unlockKey: key, at: Timestamp(milliseconds: 0), random: SystemRandom()) } catch {
                return error
            }
            return nil
        }
    }

    func refusal(ofRootKey key: SharedSecret) throws -> VaultError? {
        try again { folder in
            do throws(VaultError) { _ = try folder.open(rootKey: key.secret, random: SystemRandom()) } catch { return error }
            return nil
        }
    }
}
