import Testing

@Suite(
    .timeLimit(.minutes(10)),
    .enabled(if: RealSystemd.isPossible, RealSystemd.whyNot)
) struct `The watchdog of a real systemd` {
    @Test func `restarts a daemon whose event loop or vault hangs, and leaves one alone that is only busy`() async throws {
        let outcome = try await RealSystemd.run(Self.script)
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect(outcome["busy"].contains(/answered: [1-9][0-9]*\nrestarts: 0/), "\(outcome.output)")
        #expect(outcome["a hung event loop"].contains(/restarts: 1\n.*: unsealed/), "\(outcome.output)")
        #expect(outcome["a hung vault"].contains(/restarts: 2\n.*: unsealed/), "\(outcome.output)")
        let journal = outcome["journal"]
        #expect(journal.contains("No answer from the event loop within"), "\(outcome.output)")
        #expect(journal.contains("No answer from the vault's thread within"), "\(outcome.output)")
        #expect(journal.ranges(of: "Watchdog timeout").count == 2, "\(outcome.output)")
    }

    /// The limit is shorter than the shipped one, so that two kills don't take a minute.
    private static let script = #"""
        hang() { printf "$1" 1<>/run/hang; }
        restarts() { systemctl show -P NRestarts keyturnd.service; }
        until_restarted() {
            for n in $(seq 600); do [ "$(restarts)" = "$1" ] && break; sleep 0.05; done
            hang n
            echo "restarts: $(restarts)"
            keyturn status
        }
        printf n > /run/hang
        mkdir -p /run/systemd/system/keyturnd.service.d
        cat > /run/systemd/system/keyturnd.service.d/faults.conf <<EOF
        [Service]
        WatchdogSec=6s
        RestartSec=100ms
        Environment=LD_PRELOAD=\#(RealSystemd.faults) FAULTS_HANG=/run/hang FAULTS_PREFIX=/var/lib/keyturn/
        EOF
        systemctl daemon-reload
        systemctl start keyturnd.service
        echo; echo "== busy"
        hang b
        end=$((SECONDS + 15))
        while [ $SECONDS -lt $end ]; do
            for caller in 1 2 3 4; do keyturn status > /dev/null 2>&1 && echo >> /run/answered & done
            wait
        done
        hang n
        echo "answered: $(wc -l < /run/answered)"
        echo "restarts: $(restarts)"
        echo "== a hung event loop"
        hang l
        until_restarted 1
        echo "== a hung vault"
        hang s
        timeout 20 keyturn backup /run/never > /dev/null 2>&1 &
        until_restarted 2
        echo "== journal"
        journalctl --no-pager -o cat -u keyturnd.service
        """#
}
