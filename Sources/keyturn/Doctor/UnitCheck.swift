import Model
import Settings
import Vault

/// Whether the units are there, enabled, and without a failure.
struct UnitCheck {
    let patient: Patient
    let units: Units

    func examine(into diagnosis: inout Diagnosis) {
        examineDaemon(&diagnosis)
        examineSocket(&diagnosis)
        examineMetricsSocket(&diagnosis)
        for timer in Units.timers(of: patient) { examine(timer, &diagnosis) }
        for config in units.ownTimers { examineOwn("keyturn-rotate@\(config)", &diagnosis) }
        requireLingering(&diagnosis)
        if patient.kind == .system, !units.ownTimers.isEmpty {
            requireEnabled(
                Units.ownTimersTarget, "timer-not-enabled", "after the next start of the machine the timers of single configs are gone",
                &diagnosis)
        }
        for config in units.failedOwnServices {
            diagnosis.found(
                "unit-failed", "The last run of keyturn-rotate@\(config).service failed.",
                "\(patient.journalctl) -n 20 -u keyturn-rotate@\(config).service")
        }
    }

    // MARK: The daemon

    private func examineDaemon(_ diagnosis: inout Diagnosis) {
        let unit = "keyturnd.service"
        guard isThere(unit, &diagnosis) else { return }
        if units.isFailing {
            let (code, why, step) = failure(units[unit, "Result"], units[unit, "ExecMainStatus"])
            // Root has seen more of the key.
            guard code != "unlock-key-unusable" || !diagnosis.has(code) else { return }
            diagnosis.found(code, "keyturnd.service fails to start: \(why).", step ?? "\(patient.journalctl) -n 20 -u \(unit)")
        }
        let status = units[unit, "StatusText"]
        if let refused = status.firstRange(of: "The last reload was refused: "), !diagnosis.has("policy-refused"),
            !diagnosis.has("settings-refused")
        {
            diagnosis.found(
                "reload-refused", "The daemon did not take up its files at the last reload: \(status[refused.upperBound...])",
                "\(patient.systemctl) reload keyturnd.service")
        }
    }

    /// What systemd.exec(5) says of the statuses that are its own, before the daemon can say a word, and of keyturnd's.
    private func failure(_ result: String, _ status: String) -> (code: String, why: String, nextStep: String?) {
        switch status {
        // Had it failed before that, systemd would name the failure.
        case _ where result == "start-limit-hit":
            (
                "start-limit",
                "it was started so often within 5 minutes that systemd starts it no more (start-limit-hit), and was well each time",
                listeningAgain
            )
        case "243":
            (
                "unlock-key-unusable",
                "its unlock key does not open here (status 243, CREDENTIALS). It was encrypted on another machine, before this one was installed anew or its TPM was reset, or it is damaged. Put it aside, restore the key from where you keep it, or open the vault with a recovery key",
                "mv \(SystemdCredential.path) \(SystemdCredential.path).old"
            )
        case "78": ("daemon-refuses", "its settings, its policy or its socket can't be used (status 78)", nil)
        case "217": ("daemon-fails", "there is no such user as it is to run as, or no user namespace for it (status 217, USER)", nil)
        case "226": ("daemon-fails", "its sandbox can't be set up (status 226, NAMESPACE)", nil)
        case "203": ("daemon-fails", "/usr/bin/keyturnd can't be executed (status 203, EXEC)", nil)
        default: ("daemon-fails", "it ended with \(status)", nil)
        }
    }

    // MARK: Sockets and timers

    private func examineSocket(_ diagnosis: inout Diagnosis) {
        let unit = "keyturnd.socket"
        guard isThere(unit, &diagnosis) else { return }
        if units[unit, "ActiveState"] == "failed" {
            let why =
                switch units[unit, "Result"] {
                case "service-start-limit-hit": " since the daemon was started too often (service-start-limit-hit)"
                case "trigger-limit-hit": " since requests started the daemon again and again (trigger-limit-hit)"
                case let result: " (\(result))"
                }
            diagnosis.found("no-socket", "keyturnd.socket has failed\(why): nobody listens for requests.", listeningAgain)
        } else if units[unit, "ActiveState"] != "active" {
            diagnosis.found(
                "no-socket", "keyturnd.socket is \(units[unit, "ActiveState"]): nobody listens for requests.",
                "\(patient.systemctl) restart \(unit)")
        }
        requireEnabled(unit, "not-enabled", "after the next start of the machine nobody listens for requests", &diagnosis)
    }

    /// What the limit has counted is forgotten with the failure.
    private var listeningAgain: String {
        "\(patient.systemctl) reset-failed keyturnd.service && \(patient.systemctl) restart keyturnd.socket"
    }

    /// Nobody needs it; who has enabled it looks at what it serves.
    private func examineMetricsSocket(_ diagnosis: inout Diagnosis) {
        let unit = Units.metricsSocket
        guard isEnabled(unit), isThere(unit, &diagnosis), units[unit, "ActiveState"] != "active" else { return }
        diagnosis.found(
            "no-metrics", "\(unit) is enabled and \(units[unit, "ActiveState"]): nobody gets metrics from it.",
            // systemd starts no socket of a service that runs, and a caller of the other socket would start it.
            "\(patient.systemctl) stop keyturnd.socket keyturnd.service && \(patient.systemctl) start \(unit) && "
                + "\(patient.systemctl) start keyturnd.socket")
    }

    private func examine(_ name: String, _ diagnosis: inout Diagnosis) {
        let (timer, service) = ("\(name).timer", "\(name).service")
        guard isThere(timer, &diagnosis) else { return }
        let loss = name == "keyturn-backup" ? "no backups are made" : "nothing is rotated when it is due"
        if units[timer, "ActiveState"] != "active" {
            diagnosis.found(
                "timer-not-enabled", "\(timer) is \(units[timer, "ActiveState"]): \(loss).", "\(patient.systemctl) enable --now \(timer)")
        } else {
            requireEnabled(timer, "timer-not-enabled", "after the next start of the machine \(loss)", &diagnosis)
            requireElapsing(timer, loss, &diagnosis)
        }
        requireStarting(service, name == "keyturn-backup" ? "backup" : "rotate", loss, &diagnosis)
        if !["success", ""].contains(units[service, "Result"]) {
            diagnosis.found("unit-failed", "The last run of \(service) failed.", "\(patient.journalctl) -n 20 -u \(service)")
        }
    }

    /// Its calendar may well be once a year.
    private func examineOwn(_ name: String, _ diagnosis: inout Diagnosis) {
        requireEnabled(
            "\(name).timer", "timer-not-enabled", "after the next start of the machine it is not rotated any more", &diagnosis)
        requireStarting("\(name).service", "rotate", "it is not rotated", &diagnosis)
    }

    /// A user's own manager ends with the user's last session, and all timers with it; see loginctl(1).
    private func requireLingering(_ diagnosis: inout Diagnosis) {
        guard case .user = patient.kind, let owner = patient.owner, let name = Accounts.name(ofUser: owner),
            isEnabled("keyturn-rotate.timer") || !units.ownTimers.isEmpty, FileFacts(path: "/var/lib/systemd/linger/\(name)") == nil
        else { return }
        diagnosis.found(
            "no-linger", "The timers of \(name) run only while \(name) is logged in: what is due meanwhile is rotated at the next login.",
            "loginctl enable-linger")
    }

    /// As shipped they are for every hour and every day: what a month has none of was not meant.
    private static let farOff = Duration.seconds(40 * 86_400)

    private func requireElapsing(_ timer: String, _ loss: String, _ diagnosis: inout Diagnosis) {
        let when: String
        switch units[timer, "SubState"] {
        case "elapsed": when = "does not elapse again"
        case "waiting":
            // One that elapses by the time since something else is looked at no further.
            guard ["0", "infinity", ""].contains(units[timer, "NextElapseUSecMonotonic"]),
                // In the zone of this machine, which makes no difference of days.
                let next = units[timer, "NextElapseUSecRealtime"].firstMatch(of: #/([0-9]+-[0-9]+-[0-9]+) ([0-9:]+)/#),
                let time = try? Timestamp("\(next.1)T\(next.2)Z"), time > .now + Self.farOff
            else { return }
            when = "elapses next on \(next.1)"
        default: return
        }
        diagnosis.found("timer-far-off", "\(timer) \(when): \(loss).", "\(patient.systemctl) cat \(timer)")
    }

    /// Also by way of another program, which is given its words.
    private func requireStarting(_ service: String, _ verb: String, _ loss: String, _ diagnosis: inout Diagnosis) {
        guard isThere(service, &diagnosis) else { return }
        let commands = units[service, "ExecStart"].matches(of: #/argv\[\]=(.*?) ; /#).map { String($0.1) }
        let isKeyturn = commands.contains { command in
            let words = command.split(separator: " ")
            return words.contains { $0 == "keyturn" || $0.hasSuffix("/keyturn") } && words.contains { $0 == verb }
        }
        guard !isKeyturn else { return }
        diagnosis.found(
            "unit-changed", "\(service) does not start 'keyturn \(verb)' but '\(commands.joined(separator: "; "))': \(loss).",
            "\(patient.systemctl) cat \(service)")
    }

    private func requireEnabled(_ unit: String, _ code: String, _ loss: String, _ diagnosis: inout Diagnosis) {
        guard !isEnabled(unit) else { return }
        diagnosis.found(code, "\(unit) is not enabled: \(loss).", "\(patient.systemctl) enable --now \(unit)")
    }

    private func isEnabled(_ unit: String) -> Bool { ["enabled", "alias", "generated"].contains(units[unit, "UnitFileState"]) }

    private func isThere(_ unit: String, _ diagnosis: inout Diagnosis) -> Bool {
        switch units[unit, "LoadState"] {
        case "loaded": return true
        case "masked": diagnosis.found("not-enabled", "\(unit) is masked.", "\(patient.systemctl) unmask \(unit)")
        case let state where ["bad-setting", "error"].contains(state):
            diagnosis.found("no-unit", "systemd can't read the unit \(unit) (\(state)).", "systemd-analyze verify \(unit)")
        case let state:
            diagnosis.found(
                "no-unit", "There is no unit \(unit) (\(state)). It comes with the package, or from the systemd folder of the sources.",
                "\(patient.systemctl) daemon-reload")
        }
        return false
    }
}
