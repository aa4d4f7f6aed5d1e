import Testing

@Suite(.timeLimit(.minutes(10)), .enabled(if: RealSystemd.isPossible, RealSystemd.whyNot))
struct `Restarts under a real systemd` {
    /// Two callers, one request after the other. Restarts by hand count for the start limit as well, so that is reset each time.
    @Test func `a hundred of them under a steady load refuse nobody`() async throws {
        let outcome = try await RealSystemd.run(
            #"""
            keyturn status > /dev/null
            mkdir /run/load
            load() {
                for ((n = 0; ; n++)); do
                    [ ! -e /run/load/stop ] || break
                    keyturn config list > /run/load/$1 2>&1 || { echo "ended with $?"; cat /run/load/$1; } >> /run/load/failed
                done
                echo "$n requests"
            }
            echo; echo "== load"
            load 1 & load 2 &
            for n in $(seq 100); do
                systemctl reset-failed keyturnd.service
                systemctl restart keyturnd.service || echo "restart $n failed"
                systemctl show -P InvocationID keyturnd.service >> /run/load/starts
            done
            touch /run/load/stop; wait
            echo "== failed"
            cat /run/load/failed 2>/dev/null
            echo "== restarts"
            sort -u /run/load/starts | wc -l
            """#)
        #expect(outcome["failed"] == "", "\(outcome.output)")
        #expect(outcome["restarts"].hasPrefix("100"), "\(outcome.output)")
        let requests = outcome["load"].matches(of: #/(\d+) requests/#).compactMap { Int($0.1) }
        #expect(requests.count == 2 && requests.allSatisfy { $0 > 10 }, "\(outcome["load"])")
    }

    @Test func `a daemon that crashes comes back by itself, one that can't go on is left to its operator`() async throws {
        let outcome = try await RealSystemd.run(
            #"""
            keyturn status > /dev/null
            before=$(systemctl show -P MainPID keyturnd.service)
            kill -KILL $before
            echo; echo "== crashed"
            for n in $(seq 500); do [ "$(systemctl show -P MainPID keyturnd.service)" -gt $before ] && break; sleep 0.02; done
            systemctl show -P NRestarts keyturnd.service
            keyturn status | head -n 1
            echo "== can't go on"
            echo 'nonsense: 1' > /etc/keyturn/keyturn.yaml
            systemctl stop keyturnd.socket; systemctl restart keyturnd.service 2>/dev/null
            systemctl show -p ExecMainStatus -p NRestarts -p ActiveState keyturnd.service
            journalctl -o cat -u keyturnd | grep nonsense
            """#)
        #expect(outcome["crashed"].hasPrefix("1\n") && outcome["crashed"].contains("unsealed"), "\(outcome.output)")
        #expect(outcome["can't go on"].contains("ExecMainStatus=78") && outcome["can't go on"].contains("ActiveState=failed"))
        #expect(outcome["can't go on"].contains("There is no field 'nonsense'"), "\(outcome.output)")
    }
}
