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
                    for set in @default $(grep -h '^SystemCallFilter=[^~]' keyturnd.service | sed 's/^SystemCallFilter=//'); do
                        case $set in @*) echo "== $set"; systemd-analyze syscall-filter $set | grep -vE '^ *#' | tr -d ' ';; esac
                    done
                    """#),
            files: ["ca.pem": standIn.caPEM], backend: true)
        await standIn.stop()
        let used = Set(outcome["calls"].split(separator: "\n").map(String.init))
        #expect(used.count > 40 && !outcome.output.contains("failed: "), "\(outcome.output)")
        let sets = try Self.allowed().map { $0.hasPrefix("@") ? Self.calls(of: $0, outcome) : [$0] }
        // Those of @default are let through by any list, see systemd.exec(5).
        let missing = used.subtracting(sets.reduce(into: Self.calls(of: "@default", outcome)) { $0.formUnion($1) })
        #expect(missing.subtracting(Self.told) == [], "used, and not allowed")
        for allowed in try Self.allowed() {
            // What a crash or a large block of memory takes comes in no story.
            if ["tgkill", "mremap", "mlock2", "munlock", "sched_yield"].contains(allowed) { continue }
            let calls = allowed.hasPrefix("@") ? Self.calls(of: allowed, outcome) : [allowed]
            #expect(!calls.isDisjoint(with: used), "\(allowed) is allowed and not used")
        }
    }

    /// Refused, and told that all went well: Dispatch sets priorities.
    private static let told: Set = ["setpriority"]

    private static func calls(of set: String, _ outcome: RealSystemd.Outcome) -> Set<String> {
        Set(outcome[set].split(separator: "\n").map(String.init))
    }

    private static func allowed() throws -> [String] {
        let unit = try String(contentsOf: RealSystemd.units.appending(path: "keyturnd.service"), encoding: .utf8)
        let lines = unit.split(separator: "\n").filter { $0.hasPrefix("SystemCallFilter=") && !$0.hasPrefix("SystemCallFilter=~") }
        return lines.flatMap { $0.dropFirst("SystemCallFilter=".count).split(separator: " ").map(String.init) }
    }

    /// Names what of the vault and of the process `$pid` can be read by who runs it.
    private static let looks = #"""
        exec 2> /dev/null
        for file in /var/lib/keyturn/vault.db /var/lib/keyturn-counter/counter /run/credentials/keyturnd.service/keyturn.key /proc/$pid/environ; do
            [ -n "$(head -c 1 $file | od -A n -t x1)" ] && echo "$file"
        done
        dd if=/proc/$pid/mem of=/dev/null iflag=skip_bytes,count_bytes,fullblock skip=$address count=16 && echo mem
        readlink /proc/$pid/fd/0 > /dev/null && echo fd
        readlink /proc/$pid/root > /dev/null && echo root
        """#

    @Test func `keeps the vault from everybody else, and the daemon from every program`() async throws {
        let outcome = try await RealSystemd.run(
            #"""
            keyturn status > /dev/null
            pid=$(systemctl show -P MainPID keyturnd.service)
            # The first page that is there to be read; no other address says anything about who may.
            export pid address=$((16#$(head -n 1 /proc/$pid/maps | cut -d- -f1)))
            echo; echo "== root sees"
            bash looks.sh
            echo "== the daemon's user sees"
            setpriv --reuid keyturn --regid keyturn --clear-groups bash looks.sh
            echo "== another service of the socket's group sees"
            systemd-run --quiet --pipe --wait --collect -p DynamicUser=yes -p SupplementaryGroups=keyturn -E pid -E address -- bash -c "bash \#(RealSystemd.folder)/looks.sh; echo looked at $pid"
            echo "== who is of its group"
            ls -ld /var/lib/keyturn /var/lib/keyturn-counter | cut -c1-10
            echo "== inside"
            for program in /bin/true /usr/lib/systemd/systemd; do nsenter -t $pid -m $program --version || echo "$program does not start"; done
            echo "== status"
            grep -E '^(NoNewPrivs|Seccomp|CapBnd|CapEff):' /proc/$pid/status | tr -d '\t'
            grep -E '^Max (core file|locked memory)' /proc/$pid/limits | tr -s ' '
            systemctl show -p MemorySwapMax -p LimitCORE keyturnd.service
            """#, files: ["looks.sh": Self.looks])
        let files: Set = [
            "/var/lib/keyturn/vault.db", "/var/lib/keyturn-counter/counter", "/run/credentials/keyturnd.service/keyturn.key",
        ]
        func seen(_ who: String) -> Set<String> {
            files.union(["mem", "fd", "root", "environ"]).filter { thing in
                outcome["\(who) sees"].split(separator: "\n").contains { $0 == thing || $0.hasSuffix("/\(thing)") }
            }
        }
        // Whoever may see: so the looks see what is there.
        #expect(seen("root") == files.union(["mem", "fd", "root", "environ"]), "\(outcome.output)")
        // It reads the files that are its own, and of the process nothing: that is not dumpable.
        #expect(seen("the daemon's user") == files, "\(outcome.output)")
        #expect(seen("another service of the socket's group") == [], "\(outcome.output)")
        #expect(outcome["another service of the socket's group sees"].contains(/looked at [1-9]/), "\(outcome.output)")
        #expect(outcome["who is of its group"].hasPrefix("drwx------\ndrwx------"), "\(outcome.output)")
        #expect(
            outcome["inside"].contains("/bin/true does not start") && outcome["inside"].contains("systemd does not start"),
            "\(outcome.output)")
        let status = outcome["status"]
        for line in ["NoNewPrivs:1", "Seccomp:2", "CapEff:0000000000000000", "CapBnd:0000000000000000", "MemorySwapMax=0", "LimitCORE=0"] {
            #expect(status.contains(line), "\(line): \(status)")
        }
        #expect(status.contains("Max core file size 0 0"), "\(status)")
    }

    /// Where a core would end up is the machine's own to say: here it must be a file in the folder that a process is in.
    private static let corePattern = (try? String(contentsOfFile: "/proc/sys/kernel/core_pattern", encoding: .utf8)) ?? ""

    @Test(.enabled(if: corePattern == "core\n", "skipped: kernel.core_pattern is not 'core'")) func `leaves no core`() async throws {
        let outcome = try await RealSystemd.run(
            #"""
            cores() { find /var/lib/keyturn-counter -name 'core*' -type f -size +0 -printf '%f\n'; }
            mkdir -p /run/systemd/system/keyturnd.service.d
            printf '[Service]\nWorkingDirectory=/var/lib/keyturn-counter\n' > /run/systemd/system/keyturnd.service.d/folder.conf
            systemctl daemon-reload
            crash() { kill -SEGV $1; for n in $(seq 500); do [ -e /proc/$1 ] || break; sleep 0.02; done; }
            keyturn status > /dev/null 2>&1
            pid=$(systemctl show -P MainPID keyturnd.service)
            echo; echo "== the folder"
            readlink /proc/$pid/cwd
            echo "== the daemon"
            crash $pid
            systemctl show -P Result keyturnd.service; cores
            echo "== the daemon, of a unit that lets it"
            printf 'LimitCORE=infinity\n' >> /run/systemd/system/keyturnd.service.d/folder.conf
            systemctl daemon-reload; systemctl stop keyturnd.service 2> /dev/null; keyturn status > /dev/null 2>&1
            pid=$(systemctl show -P MainPID keyturnd.service)
            grep '^Max core file' /proc/$pid/limits | tr -s ' '
            crash $pid; cores
            echo "== another program in its place"
            systemctl stop keyturnd.socket keyturnd.service
            printf 'Type=exec\nExecStart=\nExecStart=/bin/sleep infinity\nNoExecPaths=\nExecPaths=\n' >> /run/systemd/system/keyturnd.service.d/folder.conf
            systemctl daemon-reload; systemctl start keyturnd.service
            crash $(systemctl show -P MainPID keyturnd.service); cores
            """#)
        #expect(outcome["the folder"] == "/var/lib/keyturn-counter", "\(outcome.output)")
        #expect(outcome["the daemon"] == "signal", "\(outcome.output)")
        // By its own word besides.
        #expect(
            outcome["the daemon, of a unit that lets it"].trimmingCharacters(in: .whitespaces) == "Max core file size 0 0 bytes",
            "\(outcome.output)")
        #expect(outcome["another program in its place"].hasPrefix("core"), "\(outcome.output)")
    }

    /// From inside, before the daemon's own first step, so that it is the unit that refuses.
    @Test func `refuses what a daemon would try that somebody else has got hold of`() async throws {
        let outcome = try await RealSystemd.run(
            #"""
            echo; echo "== without the sandbox"
            setpriv --reuid keyturn --regid keyturn --clear-groups env LD_PRELOAD=\#(RealSystemd.faults) FAULTS_ESCAPES=1 /usr/bin/keyturnd --version
            echo "== in the unit"
            mkdir -p /run/systemd/system/keyturnd.service.d
            printf '[Service]\nEnvironment=LD_PRELOAD=\#(RealSystemd.faults) FAULTS_ESCAPES=1\n' > /run/systemd/system/keyturnd.service.d/faults.conf
            systemctl daemon-reload
            keyturn status | head -n 1
            journalctl --no-pager -o cat -u keyturnd.service
            """#)
        func tried(_ section: String) -> [String: String] {
            let lines = outcome[section].matches(of: #/escape, ([^:\n]+): (.+)/#)
            return Dictionary(lines.map { (String($0.1), String($0.2)) }, uniquingKeysWith: { first, _ in first })
        }
        let (outside, inside) = (tried("without the sandbox"), tried("in the unit"))
        let possible = outside.filter { $0.value == "done" }.keys
        #expect(
            Set(possible) == [
                "exec of a program", "memfd_create", "exec from memory", "ptrace", "memory to write and execute",
                "memory to write, then to execute", "socket(AF_NETLINK)",
            ], "\(outcome.output)")
        #expect(outside.count == possible.count && Set(inside.keys) == Set(possible), "\(outcome.output)")
        for (what, answer) in inside { #expect(answer != "done", "\(what): \(outcome.output)") }
        #expect(outcome["in the unit"].contains("unsealed"), "\(outcome.output)")
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
