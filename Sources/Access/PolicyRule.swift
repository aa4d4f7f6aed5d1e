/// Gives rights on configs to callers.
package struct PolicyRule: Sendable, Equatable {
    package let name: String
    package let who: CallerPattern
    package let configs: [ConfigPattern]
    package let rights: Set<Right>
    /// Where it was read; `nil` for what holds without any file.
    package let place: Place?

    package struct Place: Sendable, Equatable {
        package let path: String
        package let line: Int

        package init(path: String, line: Int) {
            self.path = path
            self.line = line
        }
    }

    package init(name: String, who: CallerPattern, configs: [ConfigPattern], rights: Set<Right>, place: Place?) {
        self.name = name
        self.who = who
        self.configs = configs
        self.rights = rights
        self.place = place
    }

    func grants(_ right: Right, on scope: Scope) -> Bool {
        guard rights.contains(right) else { return false }
        return switch scope {
        case .everything: configs.contains(.all)
        case .config(let name): configs.contains { $0.matches(name) }
        }
    }
}

/// Callers: all that is given must match. Never by an executable's path, since a process can exec after it connected.
package struct CallerPattern: Sendable, Equatable {
    package let unit: UnitPattern?
    package let uid: UInt32?
    /// As the process's own group or a supplementary one.
    package let gid: UInt32?

    package init(unit: UnitPattern? = nil, uid: UInt32? = nil, gid: UInt32? = nil) {
        self.unit = unit
        self.uid = uid
        self.gid = gid
    }

    func matches(_ caller: CallerIdentity) -> Bool {
        // Nothing given is nobody, not everybody.
        guard unit != nil || uid != nil || gid != nil else { return false }
        if let unit, !(caller.unit.map(unit.matches) ?? false) { return false }
        if let uid, caller.uid != uid { return false }
        if let gid, caller.gid != gid, !caller.groups.contains(gid) { return false }
        return true
    }
}
