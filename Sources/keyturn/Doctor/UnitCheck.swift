/// Whether the units are there, enabled, and without a failure.
struct UnitCheck {
    let patient: Patient
    let units: Units

    func examine(into diagnosis: inout Diagnosis) {
        examineDaemon(&diagnosis)
        examineSocket(&diagnosis)
        for timer in Units.timers(of: patient) { examine(timer, &diagnosis) }
        let loss = "after the next start of the machine it is not rotated any more"
        for config in units.ownTimers { requireEnabled("keyturn-rotate@\(config).timer", "timer-not-enabled", loss, &diagnosis) }
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
            let (code, why, step) = Self.failure(units[unit, "ExecMainStatus"])
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
    private static func failure(_ status: String) -> (code: String, why: String, nextStep: String?) {
        switch status {
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
        if units[unit, "ActiveState"] != "active" {
            let reset = units[unit, "ActiveState"] == "failed" ? "\(patient.systemctl) reset-failed keyturnd.service && " : ""
            diagnosis.found(
                "no-socket", "keyturnd.socket is \(units[unit, "ActiveState"]): nobody listens for requests.",
                "\(reset)\(patient.systemctl) restart \(unit)")
        }
        requireEnabled(unit, "not-enabled", "after the next start of the machine nobody listens for requests", &diagnosis)
    }

    private func examine(_ timer: String, _ diagnosis: inout Diagnosis) {
        let unit = "\(timer).timer"
        guard isThere(unit, &diagnosis) else { return }
        let loss = timer == "keyturn-backup" ? "no backups are made" : "nothing is rotated when it is due"
        if units[unit, "ActiveState"] != "active" {
            diagnosis.found(
                "timer-not-enabled", "\(unit) is \(units[unit, "ActiveState"]): \(loss).", "\(patient.systemctl) enable --now \(unit)")
        } else {
            requireEnabled(unit, "timer-not-enabled", "after the next start of the machine \(loss)", &diagnosis)
        }
        if !["success", ""].contains(units["\(timer).service", "Result"]) {
            diagnosis.found("unit-failed", "The last run of \(timer).service failed.", "\(patient.journalctl) -n 20 -u \(timer).service")
        }
    }

    private func requireEnabled(_ unit: String, _ code: String, _ loss: String, _ diagnosis: inout Diagnosis) {
        guard !["enabled", "alias", "generated"].contains(units[unit, "UnitFileState"]) else { return }
        diagnosis.found(code, "\(unit) is not enabled: \(loss).", "\(patient.systemctl) enable --now \(unit)")
    }

    private func isThere(_ unit: String, _ diagnosis: inout Diagnosis) -> Bool {
        switch units[unit, "LoadState"] {
        case "loaded": return true
        case "masked": diagnosis.found("not-enabled", "\(unit) is masked.", "\(patient.systemctl) unmask \(unit)")
        case let state:
            diagnosis.found(
                "no-unit", "There is no unit \(unit) (\(state)). It comes with the package, or from the systemd folder of the sources.",
                "\(patient.systemctl) daemon-reload")
        }
        return false
    }
}
