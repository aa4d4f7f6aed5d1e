import KeyturnClient
import KeyturnWire
import Model

/// A status as monitoring plug-ins tell it: one line of text, and figures after a `|` (monitoring-plugins.org, "Development Guidelines").
struct CheckReport {
    enum Verdict: String, Sendable {
        case ok, warning, critical, unknown
    }

    private(set) var verdict = Verdict.ok
    private var critical: [String] = []
    private var warnings: [String] = []
    private var unknown: [String] = []
    private var figures: [String] = []
    /// What is said when there is nothing else to say.
    private var summary = ""

    /// More names than this would not fit the line.
    private static let namesMax = 5
    private static let criticalStates = ["stuck", "failed", "overdue", "quarantined"]
    private static let warningStates = ["waiting"]
    private static let shownStates = criticalStates + warningStates + ["due", "running", "paused", "ok"]

    init(of status: Status, at now: Timestamp, backupAgeMax: Duration) {
        guard !status.sealed else {
            critical.append("the vault is sealed (\(status.sealedCode ?? "sealed"))")
            judge()
            return
        }
        let total = status.configs.values.reduce(0, +)
        summary = "\(total) config\(total == 1 ? "" : "s")"
        if status.diskFull { critical.append("the disk is full") }
        if status.quarantine != nil { critical.append("in quarantine") }
        for state in Self.criticalStates { critical += Self.problem(state, in: status) }
        for state in Self.warningStates { warnings += Self.problem(state, in: status) }
        // What else is named waits for a key, or is held by a pause.
        let others = status.attention.filter { !(Self.criticalStates + Self.warningStates).contains($0.state) }.map(\.config)
        if !others.isEmpty { warnings.append("\(others.count) to look at (\(Self.list(others)))") }
        if status.reloadRefused != nil { warnings.append("the last reload was refused") }
        if !status.bearersLost.isEmpty { warnings.append("no token for \(Self.list(status.bearersLost.map(\.upstream)))") }
        judgeBackup(status.lastBackupAt, now, backupAgeMax)
        figures = ["configs=\(total);;;0"] + Self.shownStates.map { "\($0)=\(status.configs[$0, default: 0]);;;0" } + figures
        judge()
    }

    /// There is no status.
    init(instead error: ClientError) {
        switch error {
        case .problem(let problem) where problem.code == "not-allowed": unknown.append("this user may not ask: \(problem.detail)")
        case .problem(let problem): critical.append(problem.detail)
        case .unreachable, .lost, .unanswered: critical.append(error.detail)
        case .garbage, .untrusted, .backupCutOff: unknown.append(error.detail)
        }
        judge()
    }

    private mutating func judgeBackup(_ text: String?, _ now: Timestamp, _ ageMax: Duration) {
        let age = text.flatMap { try? Timestamp($0) }.map { max(now - $0, .zero) }
        let limit = ageMax.components.seconds
        if let age { figures.append("backup_age=\(age.components.seconds)s;\(limit > 0 ? "\(limit)" : "");;0") }
        guard ageMax > .zero else { return }
        switch age {
        case nil: warnings.append("no backup yet")
        case let age? where age > ageMax:
            warnings.append("the last backup is \(TimeSpan(.seconds(age.components.seconds / 3600 * 3600))) old")
        case .some: break
        }
    }

    private mutating func judge() {
        verdict = !critical.isEmpty ? .critical : !unknown.isEmpty ? .unknown : !warnings.isEmpty ? .warning : .ok
    }

    private static func problem(_ state: String, in status: Status) -> [String] {
        let names = status.attention.filter { $0.state == state }.map(\.config)
        // The daemon cuts the list of names, not the count.
        let count = max(status.configs[state, default: 0], names.count)
        return count == 0 ? [] : ["\(count) \(state) (\(list(names, of: count)))"]
    }

    private static func list(_ names: [String], of count: Int? = nil) -> String {
        let more = (count ?? names.count) - min(names.count, namesMax)
        return names.prefix(namesMax).joined(separator: " ") + (more > 0 ? " and \(more) more" : "")
    }

    // MARK: As it is printed

    private var text: String {
        let said = critical + unknown + warnings
        return said.isEmpty ? summary : said.joined(separator: ", ")
    }

    /// `|` begins the figures, and a line break ends what a monitoring system shows.
    var line: String {
        let head = "KEYTURN \(verdict.rawValue.uppercased()) - \(SafeText.line(text).replacing("|", with: "/"))"
        return figures.isEmpty ? head : "\(head) | \(figures.joined(separator: " "))"
    }

    var document: Document { Document(verdict: verdict.rawValue, problems: critical + unknown + warnings) }

    struct Document: Encodable {
        let verdict: String
        let problems: [String]
    }
}
