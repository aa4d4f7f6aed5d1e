internal import Glibc

/// The system's users and groups, by name: passwd(5), group(5) and what else nsswitch.conf(5) names.
package enum Accounts {
    package static func uid(ofUser name: String) -> UInt32? { ids(ofUser: name)?.uid }

    /// The user, and all groups that it is in.
    package static func groups(ofUser name: String) -> (uid: UInt32, gids: Set<UInt32>)? {
        guard let (uid, gid) = ids(ofUser: name) else { return nil }
        var gids = [gid_t](repeating: 0, count: groupsMax)
        var count = Int32(groupsMax)
        // SAFETY: there is room for as many groups as are asked for.
        guard getgrouplist(name, gid, &gids, &count) >= 0 else { return (uid, [gid]) }
        return (uid, Set(gids.prefix(Int(count))))
    }

    private static func ids(ofUser name: String) -> (uid: UInt32, gid: UInt32)? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var room = [CChar](repeating: 0, count: roomBytes)
        // SAFETY: all are live for the length of the call, and `room` has as much as is said.
        guard getpwnam_r(name, &entry, &room, room.count, &found) == 0, found != nil else { return nil }
        return (entry.pw_uid, entry.pw_gid)
    }

    package static func name(ofUser uid: UInt32) -> String? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var room = [CChar](repeating: 0, count: roomBytes)
        // SAFETY: all are live for the length of the call, and `room` has as much as is said; the name lies in it.
        guard getpwuid_r(uid, &entry, &room, room.count, &found) == 0, found != nil else { return nil }
        return String(cString: entry.pw_name)
    }

    package static func gid(nameOrNumber text: String) -> UInt32? { UInt32(text) ?? gid(ofGroup: text) }

    package static func gid(ofGroup name: String) -> UInt32? {
        var entry = group()
        var found: UnsafeMutablePointer<group>?
        var room = [CChar](repeating: 0, count: roomBytes)
        // SAFETY: all are live for the length of the call, and `room` has as much as is said.
        guard getgrnam_r(name, &entry, &room, room.count, &found) == 0, found != nil else { return nil }
        return entry.gr_gid
    }

    /// A group with thousands of members does not fit, and counts as unknown.
    private static let roomBytes = 65_536
    /// A daemon's user is in a handful; one with more counts as in its own alone.
    private static let groupsMax = 256
}
