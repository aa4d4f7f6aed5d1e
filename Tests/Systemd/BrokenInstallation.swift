/// A thing that is wrong with an installation, how it comes about, and what `keyturn doctor` says of it.
struct BrokenInstallation: Sendable {
    let name: String
    let breaking: String
    let mending: String
    let codes: Set<String>
    /// Something that its reason or its next step must have.
    let says: String
    /// What the commands that mend it must print.
    let mendingSays: String

    init(_ name: String, _ breaking: String, mending: String, _ codes: String..., says: String, mendingSays: String = "") {
        self.name = name
        self.breaking = breaking
        self.mending = mending
        self.codes = Set(codes)
        self.says = says
        self.mendingSays = mendingSays
    }

    static let remoteID = "550e8400-e29b-41d4-a716-446655440000"
    private static let restart =
        "systemctl reset-failed keyturnd.service keyturnd.socket; systemctl restart keyturnd.socket keyturnd.service"
    private static let socket = "/run/keyturn/keyturn.sock"
    private static let credential = "/etc/credstore.encrypted/keyturn.key"
    /// {"exp":1600000000}, and a token of yesterday's is refused by nobody but by its own words.
    private static let expired = "eyJhbGciOiJub25lIn0.eyJleHAiOjE2MDAwMDAwMDB9.c2lnbmF0dXJl"

    static let all: [BrokenInstallation] = [
        .init(
            "no socket", "systemctl stop keyturnd.socket keyturnd.service", mending: restart, "no-socket",
            says: "systemctl restart keyturnd.socket"),
        .init("socket removed", "rm \(socket)", mending: restart, "no-socket", says: socket),
        .init("socket open to all", "chmod 666 \(socket)", mending: "chmod 660 \(socket)", "socket-mode", says: "0666"),
        .init(
            "socket of another group", "chgrp root \(socket)", mending: "chgrp keyturn \(socket)", "socket-group",
            says: "keyturnd.socket says keyturn"),
        .init(
            "socket unit open to all", "\(dropIn("keyturnd.socket", "Socket", "SocketMode=0666"))", mending: noDropIn("keyturnd.socket"),
            "socket-mode", says: "systemctl cat keyturnd.socket"),
        .init(
            "socket unit of another group", "\(dropIn("keyturnd.socket", "Socket", "SocketGroup=root"))",
            mending: noDropIn("keyturnd.socket"),
            "socket-group", says: "the timers can't connect"),
        .init(
            "socket's folder", "chmod 777 /run/keyturn", mending: "chmod 755 /run/keyturn", "socket-folder", says: "chmod go-w /run/keyturn"
        ),
        .init(
            "socket not enabled", "systemctl disable keyturnd.socket", mending: "systemctl enable keyturnd.socket", "not-enabled",
            says: "keyturnd.socket"),
        .init(
            "timer not enabled", "systemctl disable --now keyturn-rotate.timer", mending: "systemctl enable --now keyturn-rotate.timer",
            "timer-not-enabled", says: "systemctl enable --now keyturn-rotate.timer"),
        .init(
            "backup timer not enabled", "systemctl disable --now keyturn-backup.timer",
            mending: "systemctl enable --now keyturn-backup.timer",
            "timer-not-enabled", says: "no backups are made"),
        .init(
            "unit not there", "mv /etc/systemd/system/keyturn-backup.timer /root; systemctl daemon-reload",
            mending: "mv /root/keyturn-backup.timer /etc/systemd/system; systemctl daemon-reload; systemctl restart keyturn-backup.timer",
            "no-unit",
            says: "keyturn-backup.timer"),
        .init(
            "service of a timer masked", masked("keyturn-rotate.service"), mending: unmasked("keyturn-rotate.service"),
            "not-enabled",
            says: "systemctl unmask keyturn-rotate.service"),
        .init(
            "service of the backups masked", masked("keyturn-backup.service"), mending: unmasked("keyturn-backup.service"),
            "not-enabled",
            says: "keyturn-backup.service is masked"),
        .init(
            "service of a timer of its own masked",
            "systemctl enable --now keyturn-rotate@a.timer; \(masked("keyturn-rotate@.service"))",
            mending:
                "\(unmasked("keyturn-rotate@.service")); systemctl disable --now keyturn-rotate@a.timer keyturn-rotate.target",
            "not-enabled", says: "keyturn-rotate@a.service is masked"),
        .init(
            "service of a timer not there", "mv /etc/systemd/system/keyturn-rotate.service /root; systemctl daemon-reload",
            mending: "mv /root/keyturn-rotate.service /etc/systemd/system; systemctl daemon-reload", "no-unit",
            says: "keyturn-rotate.service"),
        .init(
            "service of a timer that starts something else",
            "\(dropIn("keyturn-rotate.service", "Service", "ExecStart=\\nExecStart=/bin/true"))",
            mending: noDropIn("keyturn-rotate.service"), "unit-changed",
            says: "does not start 'keyturn rotate' but '/bin/true': nothing is rotated"),
        .init(
            "timer that elapses in another century",
            "\(dropIn("keyturn-rotate.timer", "Timer", "OnCalendar=\\nOnCalendar=2099-01-02"))",
            mending: noDropIn("keyturn-rotate.timer"), "timer-far-off", says: "elapses next on 2099-01-02"),
        .init(
            "timer that does not elapse again",
            "\(dropIn("keyturn-backup.timer", "Timer", "OnCalendar=\\nOnCalendar=2001-01-01\\nPersistent=no"))",
            mending: noDropIn("keyturn-backup.timer"), "timer-far-off", says: "keyturn-backup.timer does not elapse again: no backups"),
        .init(
            "timer without any time", "\(dropIn("keyturn-rotate.timer", "Timer", "OnCalendar="))",
            mending: noDropIn("keyturn-rotate.timer"),
            "no-unit", says: "systemd-analyze verify keyturn-rotate.timer"),
        .init(
            "socket of the metrics enabled, and nobody listens",
            "mkdir -p /run/systemd/system/keyturnd-metrics.socket.d; printf '[Socket]\\nListenStream=\\nListenStream=127.0.0.1:39464\\n' > /run/systemd/system/keyturnd-metrics.socket.d/x.conf; systemctl daemon-reload; systemctl enable --now keyturnd-metrics.socket",
            mending:
                "systemctl stop keyturnd.socket keyturnd.service && systemctl start keyturnd-metrics.socket && systemctl start keyturnd.socket; systemctl is-active keyturnd-metrics.socket && keyturn doctor; systemctl disable --now keyturnd-metrics.socket",
            "no-metrics",
            says: "systemctl start keyturnd-metrics.socket && systemctl start keyturnd.socket", mendingSays: "All is well."),
        .init(
            "run of a timer failed", "systemctl start keyturn-rotate@nowhere.service", mending: "systemctl reset-failed", "unit-failed",
            says: "journalctl -n 20 -u keyturn-rotate@nowhere.service"),
        .init("sealed by hand", "keyturn seal", mending: "keyturn unseal", "sealed", says: "keyturn unseal"),
        .init(
            "unlock key missing", "mv \(credential) /root; systemctl restart keyturnd.service",
            mending: "mv /root/keyturn.key \(credential); \(restart)",
            "bad-credential", says: "it was not passed"),
        .init(
            "unlock key missing, daemon down", "systemctl stop keyturnd.socket keyturnd.service; mv \(credential) /root",
            mending: "mv /root/keyturn.key \(credential); \(restart)", "unlock-key-missing", "no-socket",
            says: "keyturn unseal --recovery FILE"),
        .init(
            "unlock key taken away while the daemon runs", "mv \(credential) /root", mending: "mv /root/keyturn.key \(credential)",
            "unlock-key-missing", says: "\"next_step\":\"keyturn slot add --systemd-credential\""),
        .init(
            "unlock key of another host",
            "mv /var/lib/systemd/credential.secret /root; systemd-creds setup; systemctl stop keyturnd.service",
            mending: "mv /root/credential.secret /var/lib/systemd; \(restart)", "unlock-key-unusable", says: "243"),
        .init(
            "unlock key of another vault",
            "mv \(credential) /root; head -c 32 /dev/urandom | systemd-creds encrypt --name=keyturn.key - \(credential); systemctl restart keyturnd.service",
            mending: "mv /root/keyturn.key \(credential); \(restart)", "bad-credential", says: "does not open this vault"),
        .init(
            "unlock key of another vault, put there while the daemon runs",
            "head -c 32 /dev/urandom | systemd-creds encrypt --name=keyturn.key - \(credential)",
            // As it says itself.
            mending:
                "mv \(credential) \(credential).old && keyturn slot add --systemd-credential; systemctl restart keyturnd.service; rm \(credential).old",
            "unlock-key-wrong", says: "mv \(credential) \(credential).old && keyturn slot add --systemd-credential"),
        .init(
            "plain unlock key of another vault",
            "systemd-creds decrypt --name=keyturn.key \(credential) /root/plain.key; \(dropIn("keyturnd.service", "Service", "LoadCredentialEncrypted=\\nLoadCredential=keyturn.key:/root/plain.key")); keyturn status && head -c 32 /dev/urandom > /root/plain.key",
            mending: "rm /root/plain.key; \(noDropIn("keyturnd.service")); \(restart)", "unlock-key-wrong",
            says: "keyturn slot add --key-file /root/plain.key"),
        .init(
            "key file that is cut",
            "systemd-creds decrypt --name=keyturn.key \(credential) /root/plain.key; install -o keyturn -g keyturn -m 600 /root/plain.key /var/lib/keyturn.key; rm /root/plain.key; \(dropIn("keyturnd.service", "Service", "LoadCredentialEncrypted=")); keyturn status && truncate -s 31 /var/lib/keyturn.key",
            mending:
                "cd /var/lib; mv keyturn.key keyturn.key.old && keyturn slot add --key-file /var/lib/keyturn.key && chown --reference=keyturn.key.old keyturn.key; systemctl restart keyturnd.service; keyturn doctor; rm keyturn.key keyturn.key.old; cd; \(noDropIn("keyturnd.service")); \(restart)",
            "unlock-key-wrong", says: "31 bytes instead of 32"),
        .init(
            "unlock key in a file that is not there",
            "\(dropIn("keyturnd.service", "Service", "LoadCredentialEncrypted=\\nLoadCredential=keyturn.key:/root/none.key\\n\(soon)")); keyturn status; until_failed keyturnd.socket",
            mending: "\(noDropIn("keyturnd.service")); \(restart)", "unlock-key-unusable", "no-socket",
            says: "/root/none.key, which is not there"),
        .init(
            "vault open to others", "chmod 755 /var/lib/keyturn", mending: "chmod 700 /var/lib/keyturn", "vault-too-open",
            says: "chmod go= /var/lib/keyturn"),
        .init(
            "vault of another user", "chown root /var/lib/keyturn/vault.db; systemctl restart keyturnd.service",
            mending: "chown keyturn /var/lib/keyturn/vault.db; \(restart)", "vault-wrong-owner", says: "chown -R"),
        .init(
            "vault gone", "systemctl stop keyturnd.service; mv /var/lib/keyturn /var/lib/aside",
            mending: "rm -rf /var/lib/keyturn; mv /var/lib/aside /var/lib/keyturn; \(restart)", "vault-missing",
            says: "/var/lib/keyturn-counter/counter is still there"),
        .init(
            "vault gone, as the daemon sees it", "mv /var/lib/keyturn /var/lib/aside; systemctl restart keyturnd.service",
            mending: "rm -rf /var/lib/keyturn; mv /var/lib/aside /var/lib/keyturn; \(restart)", "vault-missing",
            says: "\"next_step\":\"keyturn help restore\""),
        .init(
            "vault restored while the daemon runs",
            "cp -a /var/lib/keyturn-counter /root; keyturn backup /root/a.backup; mv /var/lib/keyturn /var/lib/aside; systemctl restart keyturnd.service; keyturn status; keyturn restore /root/a.backup --vault /var/lib/keyturn --recovery /root/recovery.key; keyturn unseal",
            // As it says itself, with a socket that was stopped besides. Then what was restored goes away again.
            mending:
                "systemctl stop keyturnd.socket; systemctl restart keyturnd.service; keyturn status | grep -i quarantine; systemctl stop keyturnd.socket keyturnd.service; rm -rf /var/lib/keyturn /root/a.backup; mv /var/lib/aside /var/lib/keyturn; cp -a /root/keyturn-counter /var/lib; \(restart)",
            "store-failed", says: "systemctl restart keyturnd.service", mendingSays: "In quarantine"),
        .init(
            "clock behind the vault's", "touch -d '1 hour' /var/lib/keyturn/vault.db", mending: "touch /var/lib/keyturn/vault.db",
            "clock-off",
            says: "timedatectl"),
        .init(
            "no recovery slot", "keyturn slot remove --yes $(keyturn slot list | awk '/recipient/ {print $1}')",
            mending: "keyturn slot add --recipient $recovery", "no-recovery-slot", says: "keyturn slot add --recipient"),
        .init(
            "settings refused", "echo 'wault: /x' > /etc/keyturn/keyturn.yaml", mending: "rm /etc/keyturn/keyturn.yaml", "settings-refused",
            says: "/etc/keyturn/keyturn.yaml:1:1: There is no field 'wault'; did you mean 'vault'?"),
        .init(
            "settings refused at a start",
            "echo 'wault: /x' > /etc/keyturn/keyturn.yaml; systemctl restart keyturnd.service; keyturn status; until_failed keyturnd.socket",
            mending: "rm /etc/keyturn/keyturn.yaml; \(restart)", "settings-refused", "daemon-refuses", "no-socket", says: "status 78"),
        .init(
            "settings for root alone", "(umask 077; echo 'stop_timeout: 20s' > /etc/keyturn/keyturn.yaml)",
            mending: "chmod o+r /etc/keyturn/keyturn.yaml; systemctl restart keyturnd.service; rm /etc/keyturn/keyturn.yaml",
            "file-unreadable",
            says: "\"next_step\":\"chmod o+r /etc/keyturn/keyturn.yaml\""),
        .init(
            "settings for root alone, at a start",
            "(umask 077; echo 'stop_timeout: 20s' > /etc/keyturn/keyturn.yaml); systemctl restart keyturnd.service; keyturn status; until_failed keyturnd.socket",
            mending: "rm /etc/keyturn/keyturn.yaml; \(restart)", "file-unreadable", "daemon-refuses", "no-socket",
            says: "/etc/keyturn/keyturn.yaml has mode 0600: the daemon's user 'keyturn' can't read it"),
        .init(
            "parts of the settings for root alone", "mkdir -m 750 /etc/keyturn/keyturn.yaml.d",
            mending: "rmdir /etc/keyturn/keyturn.yaml.d", "file-unreadable", says: "chmod o+rx /etc/keyturn/keyturn.yaml.d"),
        .init(
            "the folder of the files for root alone", "chmod 700 /etc/keyturn", mending: "chmod o+x /etc/keyturn; chmod 755 /etc/keyturn",
            "file-unreadable", says: "\"next_step\":\"chmod o+x /etc/keyturn\""),
        .init(
            "daemon that was started too often",
            "\(dropIn("keyturnd.service", "Unit", "StartLimitBurst=3")); for n in 1 2 3 4; do systemctl restart keyturnd.service; done; until_failed keyturnd.socket",
            mending: "\(noDropIn("keyturnd.service")); \(restart)", "start-limit", "no-socket",
            says: "systemctl reset-failed keyturnd.service && systemctl restart keyturnd.socket"),
        .init(
            "daemon not executable",
            "\(dropIn("keyturnd.service", "Service", "ExecStart=\\nExecStart=/bin/false\\n\(soon)")); keyturn status; until_failed keyturnd.socket",
            mending: "\(noDropIn("keyturnd.service")); \(restart)", "daemon-fails", "no-socket", says: "status 203"),
        .init(
            "no user for the daemon", "cp -a /etc/passwd /root; sed -i '/^keyturn:/d' /etc/passwd",
            mending: "cp -a /root/passwd /etc/passwd",
            "no-daemon-user", says: "systemd-sysusers"),
        .init(
            "policy refused", "echo '  - nonsense: 1' >> /etc/keyturn/policy.yaml", mending: goodPolicy, "policy-refused",
            says: "keyturn policy check /etc/keyturn/policy.yaml"),
        .init(
            "policy for root alone",
            "chmod 600 /etc/keyturn/policy.yaml; keyturn policy check /etc/keyturn/policy.yaml && chmod 644 /etc/keyturn/policy.yaml",
            mending: "chmod o+r /etc/keyturn/policy.yaml", "file-unreadable",
            says: "\"next_step\":\"chmod o+r /etc/keyturn/policy.yaml\""),
        .init(
            "a part of the policy for root alone",
            "mkdir /etc/keyturn/policy.d; (umask 077; echo 'rules: []' > /etc/keyturn/policy.d/60-x.yaml)",
            mending: "rm -r /etc/keyturn/policy.d", "file-unreadable", says: "chmod o+r /etc/keyturn/policy.d/60-x.yaml"),
        .init(
            "policy that others can change", "chmod o+w /etc/keyturn/policy.yaml", mending: "chmod 644 /etc/keyturn/policy.yaml",
            "policy-refused", says: "chmod go-w /etc/keyturn/policy.yaml. The daemon goes on"),
        .init(
            "reload refused", "echo '  - nonsense: 1' >> /etc/keyturn/policy.yaml; reload_until refused; \(goodPolicy)",
            mending: "reload_until Unsealed.$", "reload-refused", says: "systemctl reload keyturnd.service"),
        .init(
            "timers not allowed", "sed -i '/the timer of all/,$d' /etc/keyturn/policy.yaml; systemctl restart keyturnd.service",
            mending: "\(goodPolicy); \(restart)", "timer-not-allowed", says: "keyturn-rotate.service"),
        .init(
            "upstream unreachable", "echo token | keyturn upstream set away --base-url https://127.0.0.1:1 --token-stdin",
            mending: "keyturn upstream remove away --yes",
            "upstream-unreachable", says: "connection refused"),
        .init(
            "certificate untrusted", "echo token | keyturn upstream set strange --base-url BACKEND --token-stdin",
            mending: "keyturn upstream remove strange --yes", "certificate-untrusted", says: "the certificate is not trusted"),
        .init(
            "token expired", "echo \(expired) | keyturn upstream set old --base-url BACKEND --ca-file ca.pem --token-stdin",
            mending: "keyturn upstream remove old --yes", "token-expired", says: "keyturn upstream set old --token-stdin"),
        .init(
            "token refused", "echo wrong | keyturn upstream set no --base-url BACKEND --ca-file ca.pem --token-stdin",
            mending: "keyturn upstream remove no --yes", "token-refused", says: "401"),
        .init(
            "no token", "keyturn upstream set none --base-url BACKEND --ca-file ca.pem", mending: "keyturn upstream remove none --yes",
            "no-token",
            says: "none has no token"),
        .init(
            "no key at all", "keyturn config set b --upstream fb --id \(remoteID)-b --ai-type OPENAI",
            mending: "keyturn config remove b --purge --yes",
            "nothing-staged", says: "keyturn stage b"),
        .init(
            "a timer of its own that a boot would end", "systemctl start keyturn-rotate@a.timer",
            mending: "systemctl stop keyturn-rotate@a.timer", "timer-not-enabled", says: "keyturn-rotate.target"),
        .init(
            "a timer of its own for no config", "systemctl enable --now keyturn-rotate@nowhere.timer",
            mending: "systemctl disable --now keyturn-rotate@nowhere.timer keyturn-rotate.target", "timer-without-config",
            says: "a config that does not exist"),
        .init(
            "nothing staged for a timer of its own", "keyturn discard a 2 --yes; systemctl enable --now keyturn-rotate@a.timer",
            mending: "systemctl disable --now keyturn-rotate@a.timer keyturn-rotate.target; printf sk-third | keyturn stage a --stdin",
            "nothing-staged",
            says: "a timer of its own"),
        .init(
            "config failed", "printf bad-key | keyturn stage a --stdin; keyturn rotate a; keyturn rotate a",
            mending:
                "printf sk-next | keyturn stage a --stdin; keyturn rotate a; printf sk-more | keyturn stage a --stdin", "config-failed",
            says: "a: "),
    ]

    private static let goodPolicy = "install -m 644 policy.yaml /etc/keyturn/policy.yaml"

    /// With the shipped limit a daemon that can't be started at all is tried for two minutes.
    private static let soon = "[Unit]\\nStartLimitBurst=3"

    private static func masked(_ unit: String) -> String {
        // A file in /etc is not hidden by any mask.
        "mv /etc/systemd/system/\(unit) /usr/lib/systemd/system; systemctl daemon-reload; systemctl mask \(unit)"
    }

    private static func unmasked(_ unit: String) -> String {
        "systemctl unmask \(unit); mv /usr/lib/systemd/system/\(unit) /etc/systemd/system; systemctl daemon-reload"
    }

    private static func dropIn(_ unit: String, _ section: String, _ line: String) -> String {
        "mkdir -p /run/systemd/system/\(unit).d; printf '[\(section)]\\n\(line)\\n' > /run/systemd/system/\(unit).d/x.conf; systemctl daemon-reload; systemctl stop keyturnd.service; systemctl restart \(unit)"
    }

    private static func noDropIn(_ unit: String) -> String {
        "rm /run/systemd/system/\(unit).d/x.conf; systemctl daemon-reload; systemctl stop keyturnd.service; systemctl restart \(unit)"
    }
}
