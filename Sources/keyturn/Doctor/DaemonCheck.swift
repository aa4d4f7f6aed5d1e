import KeyturnClient
import KeyturnWire
import Model
import Vault

/// What only the daemon knows: the state of its vault, and of its configs.
struct DaemonCheck {
    let patient: Patient
    let daemon: Daemon

    /// Tokens are judged to the minute; a machine that keeps its clock by NTP is within milliseconds.
    static let clockSecondsMax: Int64 = 60
    /// As the shipped alert has it.
    private static let backupAge = Duration.seconds(8 * 86_400)

    /// The daemon's own word on its vault; `nil`, with why, where there is none. Connecting starts a daemon that waits for its first request.
    func status(into diagnosis: inout Diagnosis) async -> Status? {
        do throws(ClientError) { return try await daemon.status().body } catch {
            switch error {
            case .problem(let problem) where problem.code == "not-allowed":
                diagnosis.couldNotSee("the state of the vault", "it takes the right 'status': keyturn whoami")
            case .unreachable(_, let why) where why.hasPrefix("you may not"):
                diagnosis.couldNotSee("the state of the vault", "the socket is not for this user: \(why)")
            case .unreachable, .lost, .unanswered, .untrusted, .garbage, .backupCutOff, .problem:
                let step = patient.kind == .byHand ? "pgrep -a keyturnd" : "\(patient.journalctl) -n 20 -u keyturnd.service"
                diagnosis.found("no-daemon", error.detail, step)
            }
            return nil
        }
    }

    /// `nil` for who has not the right 'admin', and of a vault that can't be read.
    func slots() async -> [Vault.Slot]? {
        guard let page = try? await daemon.slots().body else { return nil }
        return try? page.items.map { try Vault.Slot($0) }
    }

    func examine(_ status: Status, _ units: Units?, into diagnosis: inout Diagnosis) async {
        guard !status.sealed else {
            let code = status.sealedCode ?? "sealed"
            // Its files may have been seen to be the reason.
            guard !diagnosis.has(code) else { return }
            return diagnosis.found(code, status.sealedReason ?? "The vault is sealed.", status.nextStep ?? "keyturn unseal")
        }
        if let quarantine = status.quarantine { diagnosis.found("quarantine", quarantine.reason, quarantine.nextStep) }
        if status.diskFull {
            diagnosis.found("disk-full", "The disk that holds the vault is full: nothing new begins.", status.nextStep ?? "df -h")
        }
        examineSlots(status, &diagnosis)
        examineBackup(status, &diagnosis)
        for loss in status.bearersLost {
            diagnosis.found("token-lost", "The upstream \(loss.upstream) lost its bearer at \(loss.at): \(loss.reason).", loss.nextStep)
        }
        for one in status.attention { examine(one, &diagnosis) }
        await examineConfigs(status, units, &diagnosis)
        await examineTimersRights(units, &diagnosis)
        await UpstreamCheck(daemon: Daemon(socketPath: daemon.socketPath)).examine(status, into: &diagnosis)
    }

    // MARK: The vault

    private func examineSlots(_ status: Status, _ diagnosis: inout Diagnosis) {
        guard !status.hasRecoverySlot else { return }
        diagnosis.found(
            "no-recovery-slot",
            "Only its unlock key opens the vault: when that is lost, with this machine or without, so is the vault. Add a recovery key, and put its file away from this machine.",
            RecoverySlot.adding)
    }

    private func examineBackup(_ status: Status, _ diagnosis: inout Diagnosis) {
        let step = patient.hasBackupTimer ? "systemctl start keyturn-backup.service" : "keyturn backup keyturn.backup"
        guard let made = status.lastBackupAt else { return diagnosis.found("no-recent-backup", "There has never been a backup.", step) }
        guard let time = try? Timestamp(made), time < .now - Self.backupAge else { return }
        diagnosis.found("no-recent-backup", "The last backup is of \(made), more than 8 days ago.", step)
    }

    // MARK: Configs

    private func examine(_ attention: Attention, _ diagnosis: inout Diagnosis) {
        let isEmpty = ["due", "ok"].contains(attention.state) && attention.nextStep?.hasPrefix("keyturn stage ") == true
        diagnosis.found(
            isEmpty ? "nothing-staged" : "config-\(attention.state)", "\(attention.config): \(attention.reason)",
            attention.nextStep ?? "keyturn config show \(attention.config)")
    }

    /// Those that the daemon does not know of: with a timer of their own, or without any key yet.
    private func examineConfigs(_ status: Status, _ units: Units?, _ diagnosis: inout Diagnosis) async {
        let known = Set(status.attention.map(\.config))
        var (seen, after) = (0, String?.none)
        var withoutConfig = Set(units?.ownTimers ?? [])
        repeat {
            let page: Page<Config>
            do throws(ClientError) { page = try await daemon.configs(after: after, limit: 1000).body } catch {
                return diagnosis.couldNotSee("the configs", error.detail)
            }
            seen += page.items.count
            withoutConfig.subtract(page.items.map(\.name))
            for config in page.items where config.stagedVersions == 0 && !known.contains(config.name) {
                if config.versions.isEmpty {
                    diagnosis.found("nothing-staged", "\(config.name) has no key at all yet.", "keyturn stage \(config.name)")
                } else if units?.ownTimers.contains(config.name) == true {
                    diagnosis.found(
                        "nothing-staged", "\(config.name) has a timer of its own, and nothing is staged for it.",
                        "keyturn stage \(config.name)")
                }
            }
            after = page.next
        } while after != nil
        // Who may not read gets an empty list.
        guard seen >= status.configs.values.reduce(0, +) else {
            return diagnosis.couldNotSee("all configs", "it takes the right 'read': keyturn whoami")
        }
        for name in withoutConfig.sorted() {
            diagnosis.found(
                "timer-without-config", "keyturn-rotate@\(name).timer is for a config that does not exist.",
                "\(patient.systemctl) disable --now keyturn-rotate@\(name).timer")
        }
    }

    /// Denied, they see no config, take nothing for due, and end well.
    private func examineTimersRights(_ units: Units?, _ diagnosis: inout Diagnosis) async {
        guard patient.kind == .system else { return }
        let own = (units?.ownTimers ?? []).map { ("keyturn-rotate@\($0).service", "rotate", String?.some($0)) }
        for (unit, right, config) in [("keyturn-rotate.service", "rotate", nil), ("keyturn-backup.service", "backup", nil)] + own {
            do throws(ClientError) {
                // Any user that no rule is for: theirs are made for each run.
                let answer = try await daemon.explainPolicy(
                    right: right, config: config, uid: 61_184, gid: nil, groups: [], unit: unit
                ).body
                guard !answer.allowed else { continue }
                diagnosis.found(
                    "timer-not-allowed",
                    "By the policy \(unit) has no right '\(right)' on \(config ?? "everything"): give it one, as the shipped policy does (/etc/keyturn/policy.yaml).",
                    "keyturn policy explain --right \(right) --uid 61184 --unit \(unit)\(config.map { " --config \($0)" } ?? "")")
            } catch {
                return diagnosis.couldNotSee("what the timers may do", "it takes the right 'audit': keyturn whoami")
            }
        }
    }
}
