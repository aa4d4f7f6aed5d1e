import Foundation
import Model
import SQLiteEngine
import TestSupport
import Testing
import Vault

@Suite struct `A full disk` {
    private static func write(_ vault: VaultStore, _ work: VaultStore.Work, _ name: String) async throws {
        try await vault.write(work) { transaction in
            try transaction.put(.note, .named(name), Note(text: name))
            return .changed((), AuditEvent(at: someTime, "note.put", by: nil))
        }
    }

    @Test func `refuses what would begin, and takes what has begun into its reserve`() async throws {
        let engine = MemoryEngine()
        let listener = Listener()
        let vault = try await newVault(in: engine, audience: listener)
        engine.fillUp()
        await #expect(throws: VaultError.diskFull) { try await Self.write(vault, .new, "new") }
        #expect(await vault.lookForRoom() == .full)
        for number in 1...MemoryEngine.reserveCommits { try await Self.write(vault, .begun, "begun \(number)") }
        await #expect(throws: VaultError.diskFull) { try await Self.write(vault, .begun, "one too many") }
        await #expect(throws: VaultError.diskFull) { try await Self.write(vault, .new, "new again") }
        #expect(try await vault.note(.note, "begun 1") == "begun 1", "reading goes on")
        #expect(try await vault.note(.note, "one too many") == nil)
        #expect(listener.roomChanges == [.full])
        // Nothing of what failed left a hole in the log, nor took from the reserve.
        #expect(listener.seqs == Array(2...Int64(1 + MemoryEngine.reserveCommits)))
    }

    @Test func `is found out by work that has begun, which is written all the same`() async throws {
        let engine = MemoryEngine()
        let listener = Listener()
        let vault = try await newVault(in: engine, audience: listener)
        engine.fillUp()
        try await Self.write(vault, .begun, "begun")
        #expect(try await vault.note(.note, "begun") == "begun")
        #expect(listener.roomChanges == [.full])
    }

    @Test func `lets those of one commit through that have begun`() async throws {
        let engine = MemoryEngine()
        let vault = try await newVault(in: engine)
        engine.fillUp()
        let outcomes = await withTaskGroup(of: (String, Bool).self) { group in
            for number in 1...8 {
                let work: VaultStore.Work = number.isMultiple(of: 2) ? .begun : .new
                group.addTask { ("\(work)", (try? await Self.write(vault, work, "note \(number)")) != nil) }
            }
            return await group.reduce(into: [:]) { $0[$1.0, default: []].append($1.1) }
        }
        #expect(outcomes["new"] == [false, false, false, false])
        // How many commits they make is luck; the reserve has room for four.
        #expect(outcomes["begun"]?.contains(true) == true)
    }

    @Test func `that has room again takes everything, with the reserve kept back once more`() async throws {
        let engine = MemoryEngine()
        let listener = Listener()
        let vault = try await newVault(in: engine, audience: listener)
        for _ in 1...2 {
            engine.fillUp()
            await #expect(throws: VaultError.diskFull) { try await Self.write(vault, .new, "new") }
            engine.makeRoom()
            try await Self.write(vault, .new, "new")
            #expect(try await vault.note(.note, "new") == "new")
        }
        #expect(listener.roomChanges == [.full, .enough, .full, .enough])
    }

    @Test func `is looked at when the vault is opened`() async throws {
        let engine = MemoryEngine()
        let vault = try await newVault(in: engine)
        await vault.seal()
        engine.fillUp(after: 100)
        let listener = Listener()
        let again = try await openedVault(in: engine, audience: listener)
        #expect(await again.lookForRoom() == .full && listener.roomChanges == [.full])
        await #expect(throws: VaultError.diskFull) { try await Self.write(again, .new, "new") }
    }

    @Test func `has the reserve in a file of whole blocks, for the owner only`() async throws {
        let folder = try VaultPlace()
        defer { folder.remove() }
        let reserve = ReserveFile(folder: folder.path)
        let path = "\(folder.path)/reserve"
        for _ in 1...2 {
            try reserve.keep()
            try reserve.keep()
            var status = stat()
            #expect(lstat(path, &status) == 0)
            #expect(Int(status.st_blocks) * 512 >= ReserveFile.byteCount && status.st_mode & 0o777 == 0o600)
            var pieces = 0
            while reserve.release() {
                pieces += 1
                #expect(lstat(path, &status) != 0 || status.st_size < ReserveFile.byteCount)
            }
            #expect(pieces == 8 && lstat(path, &status) != 0)
        }
    }
}
