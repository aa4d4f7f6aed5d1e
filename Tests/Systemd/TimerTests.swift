import FlashbackStandIn
import Testing

@Suite(.timeLimit(.minutes(10)), .enabled(if: RealSystemd.isPossible, RealSystemd.whyNot))
struct `The timers, under a real systemd` {
    /// Two configs that are due every minute; the backend knows the second one alone.
    private static let setUp = #"""
        echo BEARER | keyturn upstream set fb --base-url BACKEND --ca-file ca.pem --token-stdin
        for name in gone good; do
            keyturn config set $name --upstream fb --id $name --ai-type OPENAI --every 1min
            printf "sk-$name-1" | keyturn stage $name --stdin --as-current
            printf "sk-$name-2" | keyturn stage $name --stdin
        done
        mkdir -p /run/systemd/system/keyturn-rotate.service.d /run/systemd/system/keyturn-rotate.timer.d
        cat > /run/systemd/system/alarm.service <<'END'
        [Service]
        Type=oneshot
        ExecStart=/bin/sh -c 'echo "$MONITOR_UNIT: $MONITOR_SERVICE_RESULT" >> /run/alarms'
        END
        printf '[Unit]\nOnFailure=alarm.service\n' > /run/systemd/system/keyturn-rotate.service.d/alarm.conf
        printf '[Timer]\nRandomizedDelaySec=0\n' > /run/systemd/system/keyturn-rotate.timer.d/at-once.conf
        systemctl daemon-reload
        until_there() { for n in $(seq 500); do eval "$1" && return; sleep 0.02; done; echo "never: $1"; }
        echo

        """#

    private static func run(_ script: String) async throws -> (RealSystemd.Outcome, StandIn) {
        let standIn = try await StandIn.start()
        standIn.addConfiguration(id: "good", name: "good", key: "sk-good-1")
        let outcome = try await RealSystemd.run(
            (setUp + script).replacing("BACKEND", with: standIn.baseURL).replacing("BEARER", with: Options.defaultBearer),
            files: ["ca.pem": standIn.caPEM], backend: true)
        await standIn.stop()
        return (outcome, standIn)
    }

    /// As after a boot: the timer's stamp is what is left of the time before. The shortest schedule is a minute, so that is how long it takes.
    @Test func `a missed run is made up for; one config that fails keeps no other from it, and fails the unit, so that OnFailure= works`()
        async throws
    {
        let (outcome, standIn) = try await Self.run(
            #"""
            echo "== nothing is due"
            systemctl start keyturn-rotate.service; echo "ended with $?"; systemctl show -P Result keyturn-rotate.service
            for n in $(seq 300); do keyturn status --json | grep -q '"due": *2' && break; sleep 0.5; done
            mkdir -p /var/lib/systemd/timers; touch -d '2 days ago' /var/lib/systemd/timers/stamp-keyturn-rotate.timer
            systemctl start keyturn-rotate.timer
            echo "== both are due"
            until_there '[ -s /run/alarms ]'; cat /run/alarms
            systemctl show -P Result keyturn-rotate.service
            journalctl --no-pager -o cat -u keyturn-rotate.service
            """#)
        #expect(outcome["nothing is due"].hasPrefix("ended with 0\nsuccess"), "\(outcome.output)")
        let due = outcome["both are due"]
        #expect(due.hasPrefix("keyturn-rotate.service: exit-code\nexit-code"), "\(outcome.output)")
        #expect(due.contains("gone") && standIn.held("good")?.key == "sk-good-2", "\(outcome.output)")
    }

    /// As the daemon sees the units themselves, under the shipped policy.
    @Test func `may rotate and read, or back up, and nothing else`() async throws {
        let outcome = try await RealSystemd.run(
            #"""
            for unit in keyturn-rotate.service keyturn-rotate@good.service keyturn-backup.service; do
                mkdir -p /run/systemd/system/$unit.d
                printf '[Service]\nExecStart=\nExecStart=/usr/bin/keyturn whoami\n' > /run/systemd/system/$unit.d/who.conf
                systemctl daemon-reload
                systemctl start $unit
                echo; echo "== $unit"
                journalctl --no-pager -o cat -u $unit | tr -s " "
            done
            """#)
        for (unit, rights) in [
            ("keyturn-rotate.service", "read rotate"), ("keyturn-rotate@good.service", "read rotate"), ("keyturn-backup.service", "backup"),
        ] {
            let lines = outcome[unit].split(separator: "\n")
            #expect(lines.contains("unit: \(unit)") && lines.contains("rights: \(rights)"), "\(outcome.output)")
            #expect(lines.count { $0.hasPrefix("rule: ") } == 1 && lines.contains { $0.hasSuffix(": \(rights) on *") }, "\(outcome.output)")
        }
    }

    /// The packages start the timers, and `keyturn init` may be days away.
    @Test func `before there is a vault, nothing fails; when it is gone, all do`() async throws {
        let (outcome, _) = try await Self.run(
            #"""
            systemctl stop keyturnd.socket keyturnd.service
            mkdir /root/aside; mv /var/lib/keyturn/* /var/lib/keyturn-counter/counter /root/aside
            systemctl start keyturnd.socket
            units="keyturn-rotate.service keyturn-rotate@good.service keyturn-backup.service"
            runs() { for unit in $units; do systemctl start $unit 2> /dev/null; echo "$unit $?"; done; }
            echo "== installed"
            runs; systemctl is-failed $units
            echo "== gone"
            mv /root/aside/counter /var/lib/keyturn-counter
            runs
            """#)
        #expect(
            outcome["installed"].split(separator: "\n")
                == [
                    "keyturn-rotate.service 0", "keyturn-rotate@good.service 0", "keyturn-backup.service 0", "inactive", "inactive",
                    "inactive",
                ],
            "\(outcome.output)")
        #expect(
            outcome["gone"].split(separator: "\n") == [
                "keyturn-rotate.service 1", "keyturn-rotate@good.service 1", "keyturn-backup.service 1",
            ],
            "\(outcome.output)")
    }

    @Test func `one config has a calendar of its own by systemctl edit, and rotates whether due or not`() async throws {
        let (outcome, standIn) = try await Self.run(
            #"""
            echo "== edited"
            printf '[Timer]\nOnCalendar=\nOnCalendar=*:*:*\nAccuracySec=1ms\nRandomizedDelaySec=0\n' > /run/edit
            SYSTEMD_EDITOR="cp /run/edit" script -qec "systemctl edit keyturn-rotate@good.timer" /dev/null
            systemctl enable --now keyturn-rotate.target keyturn-rotate@good.timer 2>/dev/null
            until_there 'journalctl -o cat -u keyturnd | grep -q "rotation.succeeded good"'
            systemctl stop keyturn-rotate.target
            # What is part of it is stopped by jobs of its own.
            until_there '[ "$(systemctl is-active keyturn-rotate@good.timer)" = inactive ]'; systemctl is-active keyturn-rotate@good.timer
            """#)
        #expect(outcome["edited"].hasSuffix("inactive"), "\(outcome.output)")
        #expect(!outcome["edited"].contains("never: "), "\(outcome.output)")
        #expect(standIn.held("good")?.key == "sk-good-2", "\(outcome.output)")
    }
}
