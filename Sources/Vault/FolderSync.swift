import Glibc

/// A file is durable only with the entry that names it.
package enum FolderSync {
    /// Best effort: some file systems don't sync folders.
    package static func sync(_ folder: String) {
        // SAFETY: the path is a C string for the length of the call.
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        // SAFETY: the descriptor is ours and closed once.
        fsync(descriptor)
        close(descriptor)
    }

    /// Of the folder that a file is in.
    package static func sync(ofFile path: String) {
        sync(path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? ".")
    }
}
