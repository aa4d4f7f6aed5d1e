import Glibc
package import Model
package import Secrets
package import Vault

/// A vault on disk: `DIR` (0700) with `vault.db` and SQLite's companions (0600), `lock` and `reserve`.
package struct VaultFolder: Sendable {
    package let path: String

    package init(path: String) {
        self.path = path
    }

    private var database: String { "\(path)/vault.db" }

    /// Where the unlock key is unless said otherwise.
    package var defaultKeyFile: String { "\(path).key" }

    // MARK: Opening

    /// Where its counter is mirrored unless said otherwise.
    package var defaultCounterFile: String { "\(path).counter" }

    /// Opens it with the key of a key file.
    package func open(unlockKey: borrowing Secret, at time: Timestamp, random: any RandomSource) throws(VaultError) -> OpenVault {
        let engine = try engine()
        do throws(VaultError) {
            return try OpenVault.open(engine, unlockKey: unlockKey, at: time, random: random)
        } catch {
            engine.close()
            throw error
        }
    }

    /// Opens it with a root key that was unwrapped elsewhere.
    package func open(rootKey: borrowing Secret, random: any RandomSource) throws(VaultError) -> OpenVault {
        let engine = try engine()
        do throws(VaultError) {
            return try OpenVault.open(engine, rootKey: rootKey.clone(), random: random)
        } catch {
            engine.close()
            throw error
        }
    }

    /// The ways in, as they stand in the file.
    package func slots() throws(VaultError) -> [Slot] {
        let engine = try engine()
        defer { engine.close() }
        return try OpenVault.slots(in: engine)
    }

    /// Checks owner and modes of everything in it and takes the lock.
    private func engine() throws(VaultError) -> SQLiteFile {
        try check()
        // SQLite would write to a foreign file before it could be asked whose it is.
        try SQLiteHeader(path: database).requireOurs()
        return try SQLiteFile(path: database, mode: .open, lock: FolderLock(folder: path))
    }

    /// That there is a vault of this process's user, and that nobody else can get at it.
    package func check() throws(VaultError) { try check(ownedBy: geteuid()) }

    /// The same for a daemon's vault, seen by root.
    package func check(ownedBy owner: UInt32) throws(VaultError) {
        guard let folder = Self.status(path), folder.st_mode & S_IFMT == S_IFDIR else { throw .missing(path: path) }
        guard Self.status(database) != nil else {
            // To be told to make a new vault is no help to who lost a part of one.
            throw Self.isEmptyFolder(path) ? .missing(path: path) : .damagedDatabase("\(database) is not there, while the rest of it is")
        }
        try Self.check(path, folder, owner)
        for file in [database, "\(database)-wal", "\(database)-shm", "\(path)/lock", "\(path)/reserve"] {
            guard let status = Self.status(file) else { continue }
            guard status.st_mode & S_IFMT == S_IFREG else { throw .notAVault(path: file) }
            try Self.check(file, status, owner)
        }
    }

    private static func check(_ path: String, _ status: stat, _ owner: UInt32) throws(VaultError) {
        guard status.st_uid == owner else { throw .wrongOwner(path: path, uid: status.st_uid, mustBe: owner) }
        guard status.st_mode & 0o077 == 0 else {
            throw .tooOpen(path: path, mode: "0" + String(status.st_mode & 0o7777, radix: 8))
        }
    }

    private static func status(_ path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
    }

    // MARK: Making

    /// Makes a new vault beside its place and moves it there at once: a crash leaves either nothing or a whole vault.
    /// An empty folder in its place is fine, and lends its owner when root makes the vault for somebody else. `fill` writes the records.
    package func create(_ fill: (any Engine) throws(VaultError) -> Void) throws(VaultError) {
        let place = Self.status(path)
        try requireFree()
        let draft = "\(path).new-\(getpid())"
        Self.remove(draft)
        // The process may have a umask that takes more away than it should.
        guard mkdir(draft, 0o700) == 0, chmod(draft, 0o700) == 0 else { throw .failed("\(draft): \(String(cString: strerror(errno)))") }
        do throws(VaultError) {
            try Self.makeEmpty("\(draft)/vault.db")
            let engine = try SQLiteFile(path: "\(draft)/vault.db", mode: .create, lock: nil)
            do throws(VaultError) {
                try fill(engine)
                // Closing would pass over a failure here, and leave a file that is no vault without the log beside it.
                do throws(EngineError) { try engine.forgetReplaced() } catch { throw VaultError(error) }
                engine.close()
            } catch {
                engine.close()
                throw error
            }
            if let place, geteuid() == 0, place.st_uid != 0 {
                for file in [draft, "\(draft)/vault.db"] { chown(file, place.st_uid, place.st_gid) }
            }
            try publish(draft, instead: place)
        } catch {
            Self.remove(draft)
            throw error
        }
    }

    /// For the owner only, whatever the process's umask is meanwhile; SQLite gives its companions the same mode.
    private static func makeEmpty(_ path: String) throws(VaultError) {
        let file = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw VaultError(FileError(path, errno)) }
        defer { close(file) }
        guard fchmod(file, 0o600) == 0 else { throw VaultError(FileError(path, errno)) }
    }

    private func publish(_ draft: String, instead place: stat?) throws(VaultError) {
        do throws(FileError) { try Folder.sync(draft) } catch { throw VaultError(error) }
        guard rename(draft, path) == 0 else {
            // A part of the same disk can be mounted there, too.
            throw errno == EBUSY ? .mountPoint(path: path) : VaultError(FileError(path, errno))
        }
        do throws(FileError) { try Folder.sync(Self.parent(of: path)) } catch {
            // Whoever is told that it failed finds everything as it was before.
            Self.remove(path)
            if let place, mkdir(path, place.st_mode & 0o7777) == 0 { chown(path, place.st_uid, place.st_gid) }
            throw VaultError(error)
        }
    }

    /// Nothing is there, or an empty folder that can be replaced.
    package func requireFree() throws(VaultError) {
        guard let place = Self.status(path) else { return }
        guard Self.isEmptyFolder(path) else { throw .exists(path: path) }
        if let parent = Self.status(Self.parent(of: path)), parent.st_dev != place.st_dev { throw .mountPoint(path: path) }
    }

    /// Whose the folder is; `nil` where there is none.
    package var owner: UInt32? { Self.status(path)?.st_uid }

    /// Makes the empty folder that `create` takes the owner from. One that is there is given to that user.
    package func makePlace(for uid: UInt32, _ gid: UInt32) throws(VaultError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST, chown(path, uid, gid) == 0 else { throw VaultError(FileError(path, errno)) }
    }

    /// Gives a file that root made to the owner of the vault's place.
    package func giveToOwner(_ file: String) {
        guard geteuid() == 0, let place = Self.status(path), place.st_uid != 0 else { return }
        chown(file, place.st_uid, place.st_gid)
    }

    private static func isEmptyFolder(_ path: String) -> Bool {
        guard let folder = opendir(path) else { return false }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            // SAFETY: readdir's entry is valid until the next call; its name is null-terminated.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { return false }
        }
        return true
    }

    private static func remove(_ draft: String) {
        for file in ["vault.db", "vault.db-wal", "vault.db-shm", "lock"] { unlink("\(draft)/\(file)") }
        rmdir(draft)
    }

    private static func parent(of path: String) -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true).dropLast()
        return (path.hasPrefix("/") ? "/" : "") + (parts.isEmpty && !path.hasPrefix("/") ? "." : parts.joined(separator: "/"))
    }
}
