/// What the service manager says of Keyturn's units.
struct Units {
    private let properties: [String: [String: String]]
    /// Configs with a timer of their own that is running.
    let ownTimers: [String]
    let failedOwnServices: [String]
    /// From where the daemon gets its unlock key.
    let credentials: [CredentialSource]

    private static let asked = [
        "Id", "LoadState", "ActiveState", "SubState", "UnitFileState", "Result", "ExecStart", "ExecMainStatus", "StatusText",
        "NextElapseUSecRealtime", "NextElapseUSecMonotonic", "SocketMode", "SocketGroup", "SupplementaryGroups",
    ]

    /// Throws when there is no manager to ask.
    static func read(of patient: Patient) async throws(Failure) -> Units {
        let manager = patient.kind == .system ? [] : ["--user"]
        let systemctl = SystemProgram(path: "/usr/bin/systemctl", environment: patient.environment)
        let show = manager + ["show", "--no-pager", "--property=\(asked.joined(separator: ","))"]
        let names =
            ["keyturnd.socket", metricsSocket, "keyturnd.service", ownTimersTarget]
            + timers(of: patient).flatMap { ["\($0).timer", "\($0).service"] }
        let shown = try await systemctl.run(show + names)
        guard shown.status == 0 else { throw .failed(shown.complaint) }
        let instances = try await systemctl.run(
            manager + ["list-units", "--all", "--plain", "--no-legend", "--no-pager", "keyturn-rotate@*.timer", "keyturn-rotate@*.service"])
        let own = instances.text.matches(of: #/(keyturn-rotate@\S+)\.timer/#).flatMap { ["\($0.1).timer", "\($0.1).service"] }
        let ownShown = own.isEmpty ? "" : try await systemctl.run(show + own).text
        let unit = try await systemctl.run(manager + ["cat", "--no-pager", "keyturnd.service"])
        return Units(shown: shown.text + "\n\n" + ownShown, instances: instances.text, unit: unit.text)
    }

    /// What the system's timers of single configs are wanted by.
    static let ownTimersTarget = "keyturn-rotate.target"

    /// The second one, which has its own unit; the system's alone.
    static let metricsSocket = "keyturnd-metrics.socket"

    static func timers(of patient: Patient) -> [String] {
        patient.hasBackupTimer ? ["keyturn-rotate", "keyturn-backup"] : ["keyturn-rotate"]
    }

    private init(shown: String, instances: String, unit: String) {
        credentials = CredentialSource.all(in: unit)
        var properties: [String: [String: String]] = [:]
        // A unit's properties are followed by an empty line; an empty value is a line as well.
        for block in shown.split(separator: "\n\n") {
            let pairs = block.split(separator: "\n").compactMap { line -> (String, String)? in
                let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                return parts.count == 2 ? (parts[0], parts[1]) : nil
            }
            // A service may start several programs, one after the other.
            let unit = Dictionary(pairs, uniquingKeysWith: { "\($0)\n\($1)" })
            if let id = unit["Id"] { properties[id] = unit }
        }
        self.properties = properties
        let rows = instances.split(separator: "\n").map { $0.split(separator: " ", maxSplits: 4).map(String.init) }
        func instance(_ row: [String], _ type: String, _ state: String) -> String? {
            guard row.count >= 3, row[2] == state, let match = row[0].wholeMatch(of: #/keyturn-rotate@(.+)\.([a-z]+)/#), match.2 == type
            else {
                return nil
            }
            return String(match.1)
        }
        ownTimers = rows.compactMap { instance($0, "timer", "active") }
        failedOwnServices = rows.compactMap { instance($0, "service", "failed") }
    }

    /// Whether the daemon does not come up. A failure that is over is none: it starts again at any request.
    var isFailing: Bool {
        let unit = "keyturnd.service"
        let isDown = ["failed", "activating"].contains(self[unit, "ActiveState"]) && self[unit, "SubState"] != "start"
        return isDown && !["success", ""].contains(self[unit, "Result"])
    }

    subscript(unit: String, property: String) -> String { properties[unit]?[property] ?? "" }
}
