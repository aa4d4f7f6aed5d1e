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

    /// An operator who tries one setting after the other, or a tool that restarts the daemon with each file that it writes.
    @Test func `fifteen in a row by hand are no failure, for the daemon nor for its socket`() async throws {
        let outcome = try await RealSystemd.run(
            #"""
            keyturn status > /dev/null
            echo; echo "== restarts"
            for n in $(seq 15); do
                systemctl restart keyturnd.service || echo "restart $n failed"
                systemctl show -P InvocationID keyturnd.service >> /run/starts
            done
            sort -u /run/starts | wc -l
            echo "== stops, and a start by the next request"
            for n in $(seq 15); do systemctl stop keyturnd.service 2> /dev/null; keyturn status > /dev/null 2>&1 || echo "request $n failed"; done
            echo "== afterwards"
            systemctl is-active keyturnd.socket keyturnd.service
            keyturn status | head -n 1
            """#)
        #expect(outcome["restarts"] == "15", "\(outcome.output)")
        #expect(outcome["stops, and a start by the next request"] == "", "\(outcome.output)")
        #expect(outcome["afterwards"].hasPrefix("active\nactive\n") && outcome["afterwards"].contains("unsealed"), "\(outcome.output)")
    }

    /// Each request that waits starts it once more, until systemd gives up: nobody waits for ever, and the page's commands bring it back.
    @Test func `a daemon that refuses to start is given up together with its socket, and comes back when its file is mended`()
        async throws
    {
        let outcome = try await RealSystemd.run(
            #"""
            echo 'nonsense: 1' > /etc/keyturn/keyturn.yaml
            echo; echo "== refused"
            systemctl restart keyturnd.service 2> /dev/null; systemctl is-active keyturnd.socket
            timeout 60 keyturn status; echo "ended with $?"
            for n in $(seq 600); do systemctl is-failed --quiet keyturnd.socket && break; sleep 0.05; done
            systemctl show -p ActiveState -p Result keyturnd.socket
            systemctl show -p ExecMainStatus -p NRestarts keyturnd.service
            echo "== mended"
            rm /etc/keyturn/keyturn.yaml
            systemctl reset-failed keyturnd.service && systemctl restart keyturnd.socket
            keyturn status | head -n 1
            """#)
        let refused = outcome["refused"]
        #expect(refused.hasPrefix("active\n") && refused.contains("ended with 4"), "\(outcome.output)")
        #expect(refused.contains(/ActiveState=failed/) && refused.contains(/Result=(service-start|trigger)-limit-hit/), "\(outcome.output)")
        #expect(refused.contains("ExecMainStatus=78") && refused.contains("NRestarts=0"), "\(outcome.output)")
        #expect(outcome["mended"].contains("unsealed"), "\(outcome.output)")
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
