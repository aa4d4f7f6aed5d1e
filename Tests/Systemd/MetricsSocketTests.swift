import Testing

@Suite(
    .timeLimit(.minutes(10)),
    .enabled(if: RealSystemd.isPossible, RealSystemd.whyNot)
) struct `The metrics' socket of a real systemd` {
    @Test func `starts the daemon, serves whoever is on the machine, and has nothing of the API`() async throws {
        let outcome = try await RealSystemd.run(Self.script)
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect(outcome["not by default"].hasPrefix("inactive"), "\(outcome.output)")
        #expect(
            outcome["first scrape"].contains("HTTP/1.1 200 OK") && outcome["first scrape"].contains("keyturn_build_info{"),
            "\(outcome.output)")
        #expect(outcome["a stranger"].contains(#"{"status":"ok"}"#), "\(outcome.output)")
        #expect(outcome["the API there"].contains("HTTP/1.1 404 Not Found"), "\(outcome.output)")
        #expect(outcome["the API"].contains("unsealed"), "\(outcome.output)")
        for (name, words) in [
            ("an unknown name", "systemd handed over a socket named 'nonsense'."),
            ("open to the network", "The socket that systemd handed over as 'metrics' is not a listening TCP socket of a loopback address"),
            ("the wrong kind", "The socket that systemd handed over as 'keyturn' is not a listening Unix stream socket"),
        ] {
            #expect(outcome[name].contains(words) && outcome[name].contains("status=78"), "\(outcome.output)")
        }
    }

    private static let script = #"""
        ask() { exec 3<>/dev/tcp/127.0.0.1/9464; printf 'GET %s HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\r\n' "$1" >&3; cat <&3; echo; }
        unit=/run/systemd/system/keyturnd-metrics.socket.d/wrong.conf
        mkdir -p ${unit%/*}
        # Whether the daemon takes a socket that is made so.
        wrong() {
            systemctl stop keyturnd-metrics.socket keyturnd.socket keyturnd.service
            printf '[Socket]\n%b' "$1" > $unit
            systemctl daemon-reload
            systemctl reset-failed
            systemctl start keyturnd-metrics.socket
            systemctl start keyturnd.service
            journalctl --no-pager -o cat -u keyturnd.service -n 8
        }
        echo; echo "== not by default"
        systemctl is-active keyturnd-metrics.socket
        systemctl start keyturnd-metrics.socket
        echo "== first scrape"
        ask /metrics
        echo "== a stranger"
        systemd-run --quiet --pipe --wait -p DynamicUser=yes bash -c "$(declare -f ask); ask /healthz"
        echo "== the API there"
        ask /v1/status
        echo "== the API"
        keyturn status
        echo "== an unknown name"
        wrong 'FileDescriptorName=nonsense\n'
        echo "== open to the network"
        wrong 'ListenStream=\nListenStream=9464\n'
        echo "== the wrong kind"
        wrong 'FileDescriptorName=keyturn\n'
        true
        """#
}
