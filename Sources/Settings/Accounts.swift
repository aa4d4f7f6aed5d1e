internal import Glibc

/// The system's users and groups, by name: passwd(5), group(5) and what else nsswitch.conf(5) names.
package enum Accounts {
    package static func uid(ofUser name: String) -> UInt32? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var room = [CChar](repeating: 0, count: roomBytes)
        // SAFETY: all are live for the length of the call, and `room` has as much as is said.
        guard getpwnam_r(name, &entry, &room, room.count, &found) == 0, found != nil else { return nil }
        return entry.pw_uid
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
}
