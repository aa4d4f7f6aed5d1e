import FlashbackStandIn
import Foundation
import Testing

/// Each thing that `keyturn doctor` is there for is broken under a real systemd, looked at, and mended.
@Suite(.timeLimit(.minutes(10)), .enabled(if: RealSystemd.isPossible, RealSystemd.whyNot))
struct `The doctor` {
    private static let id = "550e8400-e29b-41d4-a716-446655440000"

    struct Row: Sendable {
        let name: String
        let breaking: String
        let mending: String
        let codes: Set<String>
        /// Something that its reason or its next step must have.
        let says: String

        init(_ name: String, _ breaking: String, mending: String, _ codes: String..., says: String) {
            self.name = name
            self.breaking = breaking
            self.mending = mending
            self.codes = Set(codes)
            self.says = says
        }
    }

    private static let restart =
        "systemctl reset-failed keyturnd.service keyturnd.socket; systemctl restart keyturnd.socket keyturnd.service"
    private static let socket = "/run/keyturn/keyturn.sock"
    private static let credential = "/etc/credstore.encrypted/keyturn.key"
    /// {"exp":1600000000}, and a token of yesterday's is refused by nobody but by its own words.
    private static let expired = "eyJhbGciOiJub25lIn0.eyJleHAiOjE2MDAwMDAwMDB9.c2lnbmF0dXJl"

    static let rows = [
        Row(
            "no socket", "systemctl stop keyturnd.socket keyturnd.service", mending: restart, "no-socket",
            says: "systemctl restart keyturnd.socket"),
        Row("socket removed", "rm \(socket)", mending: restart, "no-socket", says: socket),
        Row("socket open to all", "chmod 666 \(socket)", mending: "chmod 660 \(socket)", "socket-mode", says: "0666"),
        Row(
            "socket of another group", "chgrp root \(socket)", mending: "chgrp keyturn \(socket)", "socket-group",
            says: "keyturnd.socket says keyturn"),
        Row(
            "socket unit open to all", "\(dropIn("keyturnd.socket", "Socket", "SocketMode=0666"))", mending: noDropIn("keyturnd.socket"),
            "socket-mode", says: "systemctl cat keyturnd.socket"),
        Row(
            "socket unit of another group", "\(dropIn("keyturnd.socket", "Socket", "SocketGroup=root"))",
            mending: noDropIn("keyturnd.socket"),
            "socket-group", says: "the timers can't connect"),
        Row(
            "socket's folder", "chmod 777 /run/keyturn", mending: "chmod 755 /run/keyturn", "socket-folder", says: "chmod go-w /run/keyturn"
        ),
        Row(
            "socket not enabled", "systemctl disable keyturnd.socket", mending: "systemctl enable keyturnd.socket", "not-enabled",
            says: "keyturnd.socket"),
        Row(
            "timer not enabled", "systemctl disable --now keyturn-rotate.timer", mending: "systemctl enable --now keyturn-rotate.timer",
            "timer-not-enabled", says: "systemctl enable --now keyturn-rotate.timer"),
        Row(
            "backup timer not enabled", "systemctl disable --now keyturn-backup.timer",
            mending: "systemctl enable --now keyturn-backup.timer",
            "timer-not-enabled", says: "no backups are made"),
        Row(
            "unit not there", "mv /etc/systemd/system/keyturn-backup.timer /root; systemctl daemon-reload",
            mending: "mv /root/keyturn-backup.timer /etc/systemd/system; systemctl daemon-reload; systemctl restart keyturn-backup.timer",
            "no-unit",
            says: "keyturn-backup.timer"),
        Row(
            "run of a timer failed", "systemctl start keyturn-rotate@nowhere.service", mending: "systemctl reset-failed", "unit-failed",
            says: "journalctl -n 20 -u keyturn-rotate@nowhere.service"),
        Row("sealed by hand", "keyturn seal", mending: "keyturn unseal", "sealed", says: "keyturn unseal"),
        Row(
            "unlock key missing", "mv \(credential) /root; systemctl restart keyturnd.service",
            mending: "mv /root/keyturn.key \(credential); \(restart)",
            "bad-credential", says: "it was not passed"),
        Row(
            "unlock key missing, daemon down", "systemctl stop keyturnd.socket keyturnd.service; mv \(credential) /root",
            mending: "mv /root/keyturn.key \(credential); \(restart)", "unlock-key-missing", "no-socket",
            says: "keyturn unseal --recovery FILE"),
        Row(
            "unlock key taken away while the daemon runs", "mv \(credential) /root", mending: "mv /root/keyturn.key \(credential)",
            "unlock-key-missing", says: "\"next_step\":\"keyturn slot add --systemd-credential\""),
        Row(
            "unlock key of another host",
            "mv /var/lib/systemd/credential.secret /root; systemd-creds setup; systemctl stop keyturnd.service",
            mending: "mv /root/credential.secret /var/lib/systemd; \(restart)", "unlock-key-unusable", says: "243"),
        Row(
            "unlock key of another vault",
            "mv \(credential) /root; head -c 32 /dev/urandom | systemd-creds encrypt --name=keyturn.key - \(credential); systemctl restart keyturnd.service",
            mending: "mv /root/keyturn.key \(credential); \(restart)", "bad-credential", says: "does not open this vault"),
        Row(
            "unlock key of another vault, put there while the daemon runs",
            "head -c 32 /dev/urandom | systemd-creds encrypt --name=keyturn.key - \(credential)",
            // As it says itself.
            mending:
                "mv \(credential) \(credential).old && keyturn slot add --systemd-credential; systemctl restart keyturnd.service; rm \(credential).old",
            "unlock-key-wrong", says: "mv \(credential) \(credential).old && keyturn slot add --systemd-credential"),
        Row(
            "plain unlock key of another vault",
            "systemd-creds decrypt --name=keyturn.key \(credential) /root/plain.key; \(dropIn("keyturnd.service", "Service", "LoadCredentialEncrypted=\\nLoadCredential=keyturn.key:/root/plain.key")); keyturn status && head -c 32 /dev/urandom > /root/plain.key",
            mending: "rm /root/plain.key; \(noDropIn("keyturnd.service")); \(restart)", "unlock-key-wrong",
            says: "keyturn slot add --key-file /root/plain.key"),
        Row(
            "key file that is cut",
            "systemd-creds decrypt --name=keyturn.key \(credential) /root/plain.key; install -o keyturn -g keyturn -m 600 /root/plain.key /var/lib/keyturn.key; rm /root/plain.key; \(dropIn("keyturnd.service", "Service", "LoadCredentialEncrypted=")); keyturn status && truncate -s 31 /var/lib/keyturn.key",
            mending:
                "cd /var/lib; mv keyturn.key keyturn.key.old && keyturn slot add --key-file /var/lib/keyturn.key && chown --reference=keyturn.key.old keyturn.key; systemctl restart keyturnd.service; keyturn doctor; rm keyturn.key keyturn.key.old; cd; \(noDropIn("keyturnd.service")); \(restart)",
            "unlock-key-wrong", says: "31 bytes instead of 32"),
        Row(
            "unlock key in a file that is not there",
            "\(dropIn("keyturnd.service", "Service", "LoadCredentialEncrypted=\\nLoadCredential=keyturn.key:/root/none.key")); keyturn status; until_failed keyturnd.socket",
            mending: "\(noDropIn("keyturnd.service")); \(restart)", "unlock-key-unusable", "no-socket",
            says: "/root/none.key, which is not there"),
        Row(
            "vault open to others", "chmod 755 /var/lib/keyturn", mending: "chmod 700 /var/lib/keyturn", "vault-too-open",
            says: "chmod go= /var/lib/keyturn"),
        Row(
            "vault of another user", "chown root /var/lib/keyturn/vault.db; systemctl restart keyturnd.service",
            mending: "chown keyturn /var/lib/keyturn/vault.db; \(restart)", "vault-wrong-owner", says: "chown -R"),
        Row(
            "vault gone", "systemctl stop keyturnd.service; mv /var/lib/keyturn /var/lib/aside",
            mending: "rm -rf /var/lib/keyturn; mv /var/lib/aside /var/lib/keyturn; \(restart)", "vault-missing",
            says: "/var/lib/keyturn-counter/counter is still there"),
        Row(
            "vault gone, as the daemon sees it", "mv /var/lib/keyturn /var/lib/aside; systemctl restart keyturnd.service",
            mending: "rm -rf /var/lib/keyturn; mv /var/lib/aside /var/lib/keyturn; \(restart)", "vault-missing",
            says: "\"next_step\":\"keyturn help restore\""),
        Row(
            "vault restored while the daemon runs",
            "cp -a /var/lib/keyturn-counter /root; keyturn backup /root/a.backup; mv /var/lib/keyturn /var/lib/aside; systemctl restart keyturnd.service; keyturn status; keyturn restore /root/a.backup --vault /var/lib/keyturn --recovery /root/recovery.key; keyturn unseal",
            // As it says itself, with a socket that was stopped besides. Then what was restored goes away again.
            mending:
                "systemctl stop keyturnd.socket; systemctl restart keyturnd.service; keyturn status | grep -i quarantine; systemctl stop keyturnd.socket keyturnd.service; rm -rf /var/lib/keyturn /root/a.backup; mv /var/lib/aside /var/lib/keyturn; cp -a /root/keyturn-counter /var/lib; \(restart)",
            "store-failed", says: "systemctl restart keyturnd.service"),
        Row(
            "clock behind the vault's", "touch -d '1 hour' /var/lib/keyturn/vault.db", mending: "touch /var/lib/keyturn/vault.db",
            "clock-off",
            says: "timedatectl"),
        Row(
            "no recovery slot", "keyturn slot remove --yes $(keyturn slot list | awk '/recipient/ {print $1}')",
            mending: "keyturn slot add --recipient $recovery", "no-recovery-slot", says: "keyturn slot add --recipient"),
        Row(
            "settings refused", "echo 'wault: /x' > /etc/keyturn/keyturn.yaml", mending: "rm /etc/keyturn/keyturn.yaml", "settings-refused",
            says: "/etc/keyturn/keyturn.yaml:1:1: There is no field 'wault'; did you mean 'vault'?"),
        Row(
            "settings refused at a start",
            "echo 'wault: /x' > /etc/keyturn/keyturn.yaml; systemctl restart keyturnd.service; keyturn status; until_failed keyturnd.socket",
            mending: "rm /etc/keyturn/keyturn.yaml; \(restart)", "settings-refused", "daemon-refuses", "no-socket", says: "status 78"),
        Row(
            "daemon not executable",
            "\(dropIn("keyturnd.service", "Service", "ExecStart=\\nExecStart=/bin/false")); keyturn status; until_failed keyturnd.socket",
            mending: "\(noDropIn("keyturnd.service")); \(restart)", "daemon-fails", "no-socket", says: "status 203"),
        Row(
            "no user for the daemon", "cp -a /etc/passwd /root; sed -i '/^keyturn:/d' /etc/passwd",
            mending: "cp -a /root/passwd /etc/passwd",
            "no-daemon-user", says: "systemd-sysusers"),
        Row(
            "policy refused", "echo '  - nonsense: 1' >> /etc/keyturn/policy.yaml", mending: goodPolicy, "policy-refused",
            says: "keyturn policy check /etc/keyturn/policy.yaml"),
        Row(
            "policy that others can change", "chmod o+w /etc/keyturn/policy.yaml", mending: "chmod 644 /etc/keyturn/policy.yaml",
            "policy-refused", says: "chmod go-w /etc/keyturn/policy.yaml. The daemon goes on"),
        Row(
            "reload refused", "echo '  - nonsense: 1' >> /etc/keyturn/policy.yaml; reload_until refused; \(goodPolicy)",
            mending: "reload_until Unsealed.$", "reload-refused", says: "systemctl reload keyturnd.service"),
        Row(
            "timers not allowed", "sed -i '/the timer of all/,$d' /etc/keyturn/policy.yaml; systemctl restart keyturnd.service",
            mending: "\(goodPolicy); \(restart)", "timer-not-allowed", says: "keyturn-rotate.service"),
        Row(
            "upstream unreachable", "echo token | keyturn upstream set away --base-url https://127.0.0.1:1 --token-stdin",
            mending: "keyturn upstream remove away --yes",
            "upstream-unreachable", says: "connection refused"),
        Row(
            "certificate untrusted", "echo token | keyturn upstream set strange --base-url BACKEND --token-stdin",
            mending: "keyturn upstream remove strange --yes", "certificate-untrusted", says: "the certificate is not trusted"),
        Row(
            "token expired", "echo \(expired) | keyturn upstream set old --base-url BACKEND --ca-file ca.pem --token-stdin",
            mending: "keyturn upstream remove old --yes", "token-expired", says: "keyturn upstream set old --token-stdin"),
        Row(
            "token refused", "echo wrong | keyturn upstream set no --base-url BACKEND --ca-file ca.pem --token-stdin",
            mending: "keyturn upstream remove no --yes", "token-refused", says: "401"),
        Row(
            "no token", "keyturn upstream set none --base-url BACKEND --ca-file ca.pem", mending: "keyturn upstream remove none --yes",
            "no-token",
            says: "none has no token"),
        Row(
            "no key at all", "keyturn config set b --upstream fb --id \(id)-b --ai-type OPENAI",
            mending: "keyturn config remove b --purge --yes",
            "nothing-staged", says: "keyturn stage b"),
        Row(
            "a timer of its own that a boot would end", "systemctl start keyturn-rotate@a.timer",
            mending: "systemctl stop keyturn-rotate@a.timer", "timer-not-enabled", says: "keyturn-rotate.target"),
        Row(
            "a timer of its own for no config", "systemctl enable --now keyturn-rotate@nowhere.timer",
            mending: "systemctl disable --now keyturn-rotate@nowhere.timer keyturn-rotate.target", "timer-without-config",
            says: "a config that does not exist"),
        Row(
            "nothing staged for a timer of its own", "keyturn discard a 2 --yes; systemctl enable --now keyturn-rotate@a.timer",
            mending: "systemctl disable --now keyturn-rotate@a.timer keyturn-rotate.target; printf sk-third | keyturn stage a --stdin",
            "nothing-staged",
            says: "a timer of its own"),
        Row(
            "config failed", "printf bad-key | keyturn stage a --stdin; keyturn rotate a; keyturn rotate a",
            mending:
                "printf sk-next | keyturn stage a --stdin; keyturn rotate a; printf sk-more | keyturn stage a --stdin", "config-failed",
            says: "a: "),
    ]

    private static let goodPolicy = "install -m 644 policy.yaml /etc/keyturn/policy.yaml"

    private static func dropIn(_ unit: String, _ section: String, _ line: String) -> String {
        "mkdir -p /run/systemd/system/\(unit).d; printf '[\(section)]\\n\(line)\\n' > /run/systemd/system/\(unit).d/x.conf; systemctl daemon-reload; systemctl stop keyturnd.service; systemctl restart \(unit)"
    }

    private static func noDropIn(_ unit: String) -> String {
        "rm /run/systemd/system/\(unit).d/x.conf; systemctl daemon-reload; systemctl stop keyturnd.service; systemctl restart \(unit)"
    }

    private static let beginning = #"""
        reload_until() { systemctl reload keyturnd.service; for n in $(seq 200); do systemctl show -P StatusText keyturnd.service | grep -q "$1" && break; sleep 0.05; done; }
        until_failed() { for n in $(seq 600); do systemctl is-failed "$1" && break; sleep 0.05; done; }
        echo; echo "== as installed"
        keyturn doctor --json; echo "ended with $?"
        systemctl enable --now keyturnd.socket keyturn-rotate.timer keyturn-backup.timer 2> /dev/null
        recovery=$(keyturn recovery-key /root/recovery.key)
        keyturn slot add --recipient $recovery
        echo BEARER | keyturn upstream set fb --base-url BACKEND --ca-file ca.pem --token-stdin
        keyturn config set a --upstream fb --id REMOTE --ai-type OPENAI
        printf sk-before | keyturn stage a --stdin --as-current
        printf bad-after | keyturn stage a --stdin
        systemctl start keyturn-backup.service
        echo "== well"
        keyturn doctor --json; echo "ended with $?"

        """#

    @Test func `finds and explains each thing that is broken, and nothing once it is mended`() async throws {
        let standIn = try await StandIn.start()
        standIn.addConfiguration(id: Self.id, name: "production", key: "sk-before")
        standIn.addConfiguration(id: "\(Self.id)-b", name: "second", key: "sk-other")
        let steps = Self.rows.map { row in
            """
            echo "== \(row.name)"
            { \(row.breaking); } > /dev/null 2>&1
            keyturn doctor --json; echo "ended with $?"
            echo "== \(row.name), mended"
            { \(row.mending); } 2>&1 | sed 's/^/# /'
            keyturn doctor --json; echo "ended with $?"

            """
        }
        let script = (Self.beginning + steps.joined()).replacing("BACKEND", with: standIn.baseURL).replacing("REMOTE", with: Self.id)
            .replacing("BEARER", with: Options.defaultBearer)
        let outcome = try await RealSystemd.run(script, files: ["ca.pem": standIn.caPEM], backend: true)
        await standIn.stop()
        let installed = try Self.seen(outcome["as installed"])
        #expect(
            installed.codes.isSuperset(of: ["not-enabled", "timer-not-enabled", "no-recovery-slot", "no-recent-backup"]), "\(installed)")
        #expect(try Self.seen(outcome["well"]).isWell, "\(outcome["well"])")
        for row in Self.rows {
            let broken = try Self.seen(outcome[row.name])
            #expect(broken.status == 1 && broken.codes == row.codes && broken.text.contains(row.says), "\(row.name): \(outcome[row.name])")
            let mended = try Self.seen(outcome["\(row.name), mended"])
            #expect(mended.isWell, "\(row.name), mended: \(outcome["\(row.name), mended"])")
        }
        #expect(outcome["vault restored while the daemon runs, mended"].contains("# In quarantine"), "\(outcome.output)")
        #expect(!outcome.output.contains("sk-before") && !outcome.output.contains(Options.defaultBearer))
    }

    @Test func `tells a user without rights what it could not see, and one with them that all is well`() async throws {
        let outcome = try await RealSystemd.run(
            #"""
            log_in
            systemctl enable --now keyturnd.socket keyturn-rotate.timer keyturn-backup.timer 2> /dev/null
            keyturn slot add --recipient $(keyturn recovery-key /root/recovery.key)
            systemctl start keyturn-backup.service
            echo; echo "== a stranger"
            $user keyturn doctor --json; echo "ended with $?"
            echo "== in the group"
            $user -p SupplementaryGroups=keyturn keyturn doctor --json; echo "ended with $?"
            echo "== a monitor"
            cat >> /etc/keyturn/policy.yaml <<'END'
              - name: monitor
                who: { user: dev }
                configs: ["*"]
                may: [status, read, bind, audit]
            END
            systemctl restart keyturnd.service
            $user -p SupplementaryGroups=keyturn keyturn doctor --json; echo "ended with $?"
            echo "== the daemon down"
            systemctl stop keyturnd.socket keyturnd.service
            $user -p SupplementaryGroups=keyturn keyturn doctor --json; echo "ended with $?"
            echo "== one's own"
            $user keyturn init --user
            $user keyturn doctor --json; echo "ended with $?"
            $user systemctl --user enable --now keyturnd.socket keyturn-rotate.timer
            $user keyturn slot add --recipient $($user keyturn recovery-key recovery.key)
            $user keyturn backup b.backup
            echo "== one's own, well"
            $user keyturn doctor --json; echo "ended with $?"
            echo "== one's own, its key open"
            chmod 644 /home/dev/.local/state/keyturn.key
            $user keyturn doctor --json; echo "ended with $?"
            """#)
        let stranger = try Self.seen(outcome["a stranger"])
        #expect(stranger.status == 1 && stranger.codes.isEmpty && stranger.unseen.count == 3, "\(outcome["a stranger"])")
        let member = try Self.seen(outcome["in the group"])
        #expect(member.status == 1 && member.codes.isEmpty && member.text.contains("right 'status'"), "\(outcome["in the group"])")
        #expect(try Self.seen(outcome["a monitor"]).isWell, "\(outcome["a monitor"])")
        let down = try Self.seen(outcome["the daemon down"])
        #expect(down.status == 1 && down.codes == ["no-socket"] && down.unseen.count == 2, "\(outcome["the daemon down"])")
        let own = try Self.seen(outcome["one's own"])
        #expect(
            own.codes == ["no-socket", "not-enabled", "timer-not-enabled"] && own.text.contains("systemctl --user enable --now"),
            "\(outcome["one's own"])")
        #expect(try Self.seen(outcome["one's own, well"]).isWell, "\(outcome.output)")
        let open = try Self.seen(outcome["one's own, its key open"])
        #expect(open.codes == ["unlock-key-open"], "\(outcome.output)")
    }

    private struct Seen {
        let status: Int?
        let text: String
        let codes: Set<String>
        let unseen: [String]
        let isWell: Bool
    }

    /// The document that a section has, and the line about its end.
    private static func seen(_ section: String) throws -> Seen {
        struct Document: Decodable {
            struct Finding: Decodable { let code: String }
            struct Unseen: Decodable { let what: String }
            let well: Bool
            let findings: [Finding]
            let unseen: [Unseen]
        }
        let line = try #require(section.split(separator: "\n").last { $0.hasPrefix("{") }, "\(section)")
        let document = try JSONDecoder().decode(Document.self, from: Data(line.utf8))
        let status = section.firstMatch(of: #/ended with ([0-9]+)/#).flatMap { Int($0.1) }
        return Seen(
            status: status, text: section.replacing("\\/", with: "/"), codes: Set(document.findings.map(\.code)),
            unseen: document.unseen.map(\.what),
            isWell: document.well && status == 0)
    }
}
