import Glibc

extension VaultFolder {
    /// What its files take on their disk, and what is free there for this user; `nil` where there is no folder.
    package var use: (vaultBytes: Int64, freeBytes: Int64)? {
        var disk = statvfs()
        // SAFETY: the path is a C string, and the structure a live variable, for the length of the call.
        guard statvfs(path, &disk) == 0 else { return nil }
        let taken = ["vault.db", "vault.db-wal", "vault.db-shm", "reserve"].reduce(Int64(0)) { sum, name in
            var file = stat()
            // SAFETY: as above. st_blocks counts units of 512 bytes, stat(2).
            return sum + (lstat("\(path)/\(name)", &file) == 0 ? Int64(file.st_blocks) * 512 : 0)
        }
        return (taken, Int64(disk.f_bavail) * Int64(disk.f_frsize))
    }
}
