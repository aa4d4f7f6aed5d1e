/// From where a unit's credential `keyturn.key` may come, as its files say: `systemctl show` of Debian 12 does not print it.
struct CredentialSource: Equatable {
    let path: String
    let isEncrypted: Bool
    /// Looked for in several folders, and done without where it is in none. A path that is not there keeps the unit from starting.
    let isByName: Bool

    /// What `keyturnd.service` says as it is shipped.
    static let shipped = all(named: SystemdCredential.name, isEncrypted: true)

    /// `unit` as `systemctl cat` prints it, drop-ins last: an empty assignment begins anew, see systemd.exec(5).
    static func all(in unit: String) -> [CredentialSource] {
        var sources: [String: [CredentialSource]] = [:]
        for line in unit.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, ["LoadCredential", "LoadCredentialEncrypted"].contains(parts[0]) else { continue }
            let value = parts[1].split(separator: ":", maxSplits: 1).map(String.init)
            let isEncrypted = parts[0] == "LoadCredentialEncrypted"
            if value.isEmpty {
                sources[parts[0]] = []
            } else if value[0] == SystemdCredential.name {
                sources[parts[0], default: []] += all(named: value.count > 1 ? value[1] : value[0], isEncrypted: isEncrypted)
            }
        }
        return sources.sorted { $0.key < $1.key }.flatMap(\.value)
    }

    /// A name without a path is looked for in these folders, in this order.
    private static func all(named name: String, isEncrypted: Bool) -> [CredentialSource] {
        guard !name.hasPrefix("/") else { return [CredentialSource(path: name, isEncrypted: isEncrypted, isByName: false)] }
        let stores = (isEncrypted ? ["credstore.encrypted"] : []) + ["credstore"]
        return stores.flatMap { store in
            ["/etc", "/run", "/usr/lib"].map { CredentialSource(path: "\($0)/\(store)/\(name)", isEncrypted: isEncrypted, isByName: true) }
        }
    }
}
