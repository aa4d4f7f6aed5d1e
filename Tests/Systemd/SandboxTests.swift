import FlashbackStandIn
import Foundation
import Testing

@Suite(.timeLimit(.minutes(10)), .enabled(if: RealSystemd.isPossible, RealSystemd.whyNot))
struct `The sandbox, under a real systemd` {
    private static let id = "550e8400-e29b-41d4-a716-446655440000"

    /// Without a filter, and with strace as the daemon's tracer, not its parent: the sockets are passed to one pid.
    private static let recording = #"""
        mkdir -p /run/systemd/system/keyturnd.service.d
        cat > /run/systemd/system/keyturnd.service.d/trace.conf <<'END'
        [Service]
        ExecStart=
        ExecStart=/usr/bin/strace -D -f -qq -o /var/lib/keyturn-counter/calls /usr/bin/keyturnd
        NoExecPaths=
        ExecPaths=
        SystemCallFilter=
        WatchdogSec=2s
        END
        systemctl daemon-reload
        trap 'echo "failed: $BASH_COMMAND"' ERR
        """#

    private static let story = #"""
        keyturn status
        echo BEARER | keyturn upstream set fb --base-url BACKEND --ca-file ca.pem --token-stdin
        keyturn config set a --upstream fb --id REMOTE --ai-type OPENAI
        printf sk-before | keyturn stage a --stdin --as-current
        printf sk-after | keyturn stage a --stdin
        systemctl start keyturn-rotate@a.service
        keyturn rollback a
        keyturn backup /root/a.backup
        printf 'correct horse battery staple' | keyturn slot add --passphrase --stdin
        keyturn rekey
        keyturn config remove a --purge --yes
        systemctl reload keyturnd.service
        keyturn seal; keyturn unseal
        """#

    @Test(
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: "/usr/bin/strace"), "skipped: there is no strace to record system calls with"))
    func `lets through no group of system calls, and no single one, that a whole story does without`() async throws {
        let standIn = try await StandIn.start()
        standIn.addConfiguration(id: Self.id, name: "production", key: "sk-before")
        let outcome = try await RealSystemd.run(
            (Self.recording + "\n"
                + Self.story.replacing("BACKEND", with: standIn.baseURL).replacing("REMOTE", with: Self.id)
                .replacing("BEARER", with: Options.defaultBearer)
                    + #"""

                    systemctl stop keyturnd.service
                    echo; echo "== calls"
                    sed -E 's/^[0-9]+ +//; s/\(.*//' /var/lib/keyturn-counter/calls | grep -E '^[a-z0-9_]+$' | sort -u
                    for set in $(grep -h '^SystemCallFilter=[^~]' keyturnd.service | sed 's/^SystemCallFilter=//'); do
                        case $set in @*) echo "== $set"; systemd-analyze syscall-filter $set | grep -vE '^ *#' | tr -d ' ';; esac
                    done
                    """#),
            files: ["ca.pem": standIn.caPEM], backend: true)
        await standIn.stop()
        let used = Set(outcome["calls"].split(separator: "\n").map(String.init))
        #expect(used.count > 40 && !outcome.output.contains("failed: "), "\(outcome.output)")
        for allowed in try Self.allowed() {
            // What a crash or a large block of memory takes comes in no story.
            if ["tgkill", "mremap", "mlock2", "munlock", "sched_yield"].contains(allowed) { continue }
            let calls = allowed.hasPrefix("@") ? Set(outcome[allowed].split(separator: "\n").map(String.init)) : [allowed]
            #expect(!calls.isDisjoint(with: used), "\(allowed) is allowed and not used")
        }
    }

    private static func allowed() throws -> [String] {
        let unit = try String(contentsOf: RealSystemd.units.appending(path: "keyturnd.service"), encoding: .utf8)
        let lines = unit.split(separator: "\n").filter { $0.hasPrefix("SystemCallFilter=") && !$0.hasPrefix("SystemCallFilter=~") }
        return lines.flatMap { $0.dropFirst("SystemCallFilter=".count).split(separator: " ").map(String.init) }
    }

    @Test func `keeps the vault from everybody else, and the daemon from every program`() async throws {
        let outcome = try await RealSystemd.run(
            #"""
            keyturn status > /dev/null
            other() { systemd-run --quiet --pipe --wait --collect -p DynamicUser=yes -p SupplementaryGroups=keyturn -- "$@"; }
            pid=$(systemctl show -P MainPID keyturnd.service)
            echo; echo "== the vault"
            for file in /var/lib/keyturn/vault.db /var/lib/keyturn-counter/counter /run/credentials/keyturnd.service/keyturn.key \
                /proc/$pid/mem /proc/$pid/environ /proc/$pid/fd; do
                other ls -l $file > /dev/null 2>&1; other cat $file > /dev/null 2>&1 && echo "$file can be read"
            done
            echo "== who is of its group"
            ls -ld /var/lib/keyturn /var/lib/keyturn-counter | cut -c1-10
            echo "== inside"
            for program in /bin/true /usr/lib/systemd/systemd; do nsenter -t $pid -m $program --version || echo "$program does not start"; done
            echo "== status"
            grep -E '^(NoNewPrivs|Seccomp|CapBnd|CapEff):' /proc/$pid/status | tr -d '\t'
            grep -E '^Max (core file|locked memory)' /proc/$pid/limits | tr -s ' '
            systemctl show -p MemorySwapMax -p LimitCORE keyturnd.service
            echo "== no core"
            touch /run/before; kill -SEGV $pid; for n in $(seq 200); do [ -e /proc/$pid ] || break; sleep 0.02; done
            find / -xdev \( -path /tmp -o -path /proc \) -prune -o -newer /run/before -type f \( -name core -o -name 'core.[0-9]*' \) -print 2>/dev/null
            """#)
        #expect(outcome["the vault"] == "", "\(outcome.output)")
        #expect(outcome["who is of its group"].hasPrefix("drwx------\ndrwx------"), "\(outcome.output)")
        #expect(
            outcome["inside"].contains("/bin/true does not start") && outcome["inside"].contains("systemd does not start"),
            "\(outcome.output)")
        let status = outcome["status"]
        for line in ["NoNewPrivs:1", "Seccomp:2", "CapEff:0000000000000000", "CapBnd:0000000000000000", "MemorySwapMax=0", "LimitCORE=0"] {
            #expect(status.contains(line), "\(line): \(status)")
        }
        #expect(status.contains("Max core file size 0 0"), "\(status)")
        #expect(outcome["no core"] == "", "\(outcome.output)")
    }

    private static let dropIn = RealSystemd.repository.appending(path: "docs/examples/restrict-addresses.conf")

    @Test func `is as tight as it can be with a backend to reach, and tighter with the addresses restricted`() async throws {
        let outcome = try await RealSystemd.run(
            #"""
            echo; echo "== as it is"
            systemd-analyze --no-pager security keyturnd.service | tail -n 1
            install -D -m 644 restrict-addresses.conf /etc/systemd/system/keyturnd.service.d/restrict-addresses.conf; systemctl daemon-reload
            echo "== restricted"
            systemd-analyze --no-pager security keyturnd.service | tail -n 1
            keyturn status | head -n 1
            echo "== with a backend named"
            printf '[Service]\nIPAddressAllow=127.0.0.53 192.0.2.10\n' > /etc/systemd/system/keyturnd.service.d/zz.conf; systemctl daemon-reload
            systemd-analyze --no-pager security keyturnd.service | tail -n 1
            """#,
            files: ["restrict-addresses.conf": try String(contentsOf: Self.dropIn, encoding: .utf8)])
        func exposure(_ section: String) -> Double? {
            outcome[section].firstMatch(of: #/keyturnd\.service: ([0-9.]+)/#).flatMap { Double($0.1) }
        }
        #expect(exposure("as it is").map { $0 <= 1.2 } == true, "\(outcome.output)")
        // The rest is the network, other users, who must be seen, and what systemd itself adds for the clock and the TPM.
        #expect(exposure("restricted").map { $0 <= 1.1 } == true, "\(outcome.output)")
        #expect(exposure("with a backend named").map { $0 <= 1.2 } == true, "\(outcome.output)")
        #expect(outcome["restricted"].contains("unsealed"), "\(outcome.output)")
    }
}
