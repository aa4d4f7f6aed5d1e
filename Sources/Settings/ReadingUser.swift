internal import Glibc

/// A user whose daemon is to read files, and what is in its way: as owner, group and mode say, without any
/// privilege. An access list (acl(5)) may let it read more.
package struct ReadingUser: Sendable {
    package let name: String
    private let uid: UInt32
    private let gids: Set<UInt32>

    /// `nil` where there is no such user. It has its own groups, as systemd and login give them.
    package init?(named name: String) {
        guard let (uid, gids) = Accounts.groups(ofUser: name) else { return nil }
        self.name = name
        self.uid = uid
        self.gids = gids
    }

    /// A file that can't be read, or a folder on the way to it, or at its end, that can't be looked into.
    package struct Obstacle: Sendable, Equatable {
        package let path: String
        /// The permission bits.
        package let mode: UInt32
        /// What chmod(1) has to give.
        package let missing: String
    }

    /// The first obstacle on the absolute `path`, links followed. `nil` also where nothing is there, or this process may not look.
    package func obstacle(to path: String) -> Obstacle? {
        firstObstacle(on: path) ?? Self.resolved(path).flatMap { $0 == path ? nil : firstObstacle(on: $0) }
    }

    private func firstObstacle(on path: String) -> Obstacle? {
        var way = ""
        let names = path.split(separator: "/")
        for (index, name) in names.enumerated() {
            way += "/\(name)"
            var status = stat()
            // SAFETY: the path is a C string, `status` a live variable.
            guard stat(way, &status) == 0 else { return nil }
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            let isLast = index == names.count - 1
            if let missing = missing(status, of: isLast ? (isFolder ? 0o5 : 0o4) : 0o1) {
                return Obstacle(path: way, mode: status.st_mode & 0o7777, missing: missing)
            }
        }
        return nil
    }

    /// Of the three sets of bits the first that fits counts alone, see path_resolution(7).
    private func missing(_ status: stat, of wanted: UInt32) -> String? {
        let (who, shift): (String, UInt32) = status.st_uid == uid ? ("u", 6) : gids.contains(status.st_gid) ? ("g", 3) : ("o", 0)
        guard (status.st_mode >> shift) & wanted != wanted else { return nil }
        return "\(who)+\(wanted & 0o4 != 0 ? "r" : "")\(wanted & 0o1 != 0 ? "x" : "")"
    }

    private static func resolved(_ path: String) -> String? {
        // SAFETY: the path is a C string; what comes back is ours, and freed once, after its last use.
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}
