import Glibc

/// What lies at a path, links not followed: lstat(2).
package struct FileFacts: Sendable, Equatable {
    package let kind: Kind
    /// The permission bits alone.
    package let mode: UInt32
    package let uid: UInt32
    package let gid: UInt32
    /// When it was written last, in seconds since 1970.
    package let modifiedSeconds: Int64

    package enum Kind: Sendable {
        case file, folder, socket, other
    }

    /// `nil`, with `errno`, where nothing can be seen.
    package init?(path: String) {
        var status = stat()
        // SAFETY: the path is a C string, `status` a live variable.
        guard lstat(path, &status) == 0 else { return nil }
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .folder
            case S_IFSOCK: .socket
            default: .other
            }
        mode = status.st_mode & 0o7777
        uid = status.st_uid
        gid = status.st_gid
        modifiedSeconds = Int64(status.st_mtim.tv_sec)
    }

    /// As chmod(1) takes it.
    package var shownMode: String { "0" + String(mode, radix: 8) }
}
