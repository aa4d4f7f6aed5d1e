package import Model

/// Who is at the other end of the socket, as the kernel and PID 1 tell it; never what the caller says of itself.
package struct Caller: Sendable, Equatable {
    package let uid: UInt32
    package let gid: UInt32
    /// Supplementary groups, by SO_PEERGROUPS.
    package let groups: [UInt32]
    package let pid: Int32
    /// The system unit that PID 1 names for the process; `nil` when there is none or it could not be told for certain.
    package let unit: String?

    package init(uid: UInt32, gid: UInt32, groups: [UInt32], pid: Int32, unit: String?) {
        self.uid = uid
        self.gid = gid
        self.groups = groups
        self.pid = pid
        self.unit = unit
    }
}

/// What a caller may be granted on a config, or on `*` for calls that concern no single one.
package enum Right: String, Sendable, Codable, CaseIterable {
    case status, read, rotate, stage, configure, bind, audit, admin
}

/// What a right is asked on.
package enum Scope: Sendable, Equatable {
    case everything
    case config(ConfigName)
}
