import Foundation
import Testing

@Suite(
    .timeLimit(.minutes(10)),
    .enabled(if: RealSystemd.isPossible, RealSystemd.whyNot)
) struct `Who calls, under a real systemd` {
    /// Connects, waits until `go`, and asks who it is taken for. `how` says what happens in between.
    private static let asker = #"""
        use strict; use Socket; use POSIX ();
        my ($how, @rest) = @ARGV;
        socket(my $socket, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
        connect($socket, sockaddr_un("/run/keyturn/keyturn.sock")) or die "connect: $!";
        sub ask {
            my $request = "GET /v1/whoami HTTP/1.1\r\nHost: keyturn\r\nConnection: close\r\n\r\n";
            syswrite($_[0], $request) == length $request or die "write: $!";
            my $answer = ""; 1 while sysread($_[0], $answer, 65536, length $answer);
            my ($unit) = $answer =~ /"unit":("[^"]*"|null)/; my ($uid) = $answer =~ /"uid":(\d+)/;
            print "uid $uid unit $unit\n";
        }
        if ($how eq "now") { ask($socket) }
        elsif ($how eq "exec") {
            use Fcntl; fcntl($socket, F_SETFD, 0);
            exec $^X, "-e", 'open(my $s, "+<&=", shift); syswrite($s, "GET /v1/whoami HTTP/1.1\r\nHost: keyturn\r\nConnection: close\r\n\r\n"); my $a = ""; 1 while sysread($s, $a, 65536, length $a); my ($u) = $a =~ /"unit":("[^"]*"|null)/; print "after exec unit $u\n"', fileno $socket;
        } elsif ($how eq "dies") {
            # The child has the connection of a parent that is gone, and of whose pid somebody else may have become the owner.
            my $parent = $$; my ($go) = @rest;
            if (fork) { exit 0 }
            # A number is not given anew while it names a session.
            POSIX::setsid();
            select undef, undef, undef, 0.01 while kill 0, $parent;
            open(my $file, ">", "$go.$parent"); close $file;
            select undef, undef, undef, 0.01 until -e $go;
            ask($socket);
        }
        """#

    private static func run(_ script: String) async throws -> RealSystemd.Outcome {
        try await RealSystemd.run(setUp + script, files: ["asker.pl": asker, "rules.yaml": policy])
    }

    private static let policy = """
        rules:
          - name: the deploys
            who: { unit: "deploy.service" }
            configs: ["*"]
            may: [read, rotate]
          - name: alice
            who: { user: alice }
            configs: ["alice-*"]
            may: [read, stage]
          - name: the operators
            who: { group: operators }
            configs: ["*"]
            may: [status, audit]
          - name: bob, but only from his unit
            who: { user: bob, unit: "bob.service" }
            configs: ["bob-*"]
            may: [rotate]

        """

    private static let setUp = #"""
        groupadd operators; useradd -G keyturn alice; useradd -G keyturn,operators bob
        cp rules.yaml /etc/keyturn/policy.d-rules.yaml; mkdir -p /etc/keyturn/policy.d; mv /etc/keyturn/policy.d-rules.yaml /etc/keyturn/policy.d/60-rules.yaml
        keyturn status >/dev/null
        as() { unit=$1; user=$2; shift 2; systemd-run --quiet --pipe --wait --collect --unit="$unit" -p User="$user" -- "$@"; }
        in_keyturn() { unit=$1; shift; systemd-run --quiet --pipe --wait --collect --unit="$unit" -p DynamicUser=yes -p SupplementaryGroups=keyturn -- "$@"; }
        export -f as in_keyturn
        """# + "\n"

    @Test func `is told by user, supplementary group and unit, all that a rule names`() async throws {
        let outcome = try await Self.run(
            #"""
            echo; echo "== the unit"
            in_keyturn deploy keyturn whoami
            echo "== another unit"
            in_keyturn deploy2 keyturn whoami
            echo "== the user"
            as any alice keyturn whoami
            echo "== a supplementary group"
            as any bob keyturn whoami
            echo "== both"
            as bob bob keyturn whoami
            echo "== one of both"
            as bob alice keyturn whoami
            echo "== nobody's group"
            systemd-run --quiet --pipe --wait --collect -p User=alice -p SupplementaryGroups= -p Group=nogroup -- /bin/true
            setpriv --reuid alice --regid nogroup --clear-groups keyturn whoami; echo "ended with $?"
            """#)
        #expect(outcome["the unit"].contains("read rotate on *"), "\(outcome.output)")
        #expect(outcome["another unit"].contains("rights: none"), "\(outcome.output)")
        #expect(outcome["the user"].contains("read stage on alice-*"), "\(outcome.output)")
        #expect(outcome["a supplementary group"].contains("status audit on *"), "\(outcome.output)")
        #expect(!outcome["a supplementary group"].contains("rotate"), "\(outcome.output)")
        #expect(outcome["both"].contains("rotate on bob-*"), "\(outcome.output)")
        #expect(outcome["one of both"].contains("stage on alice-*") && !outcome["one of both"].contains("bob-*"), "\(outcome.output)")
        #expect(outcome["nobody's group"].contains("ended with 4"), "\(outcome.output)")
    }

    @Test func `a unit of the same name in a user's manager is not that unit`() async throws {
        let outcome = try await Self.run(
            #"""
            systemctl start user@$(id -u alice).service; systemctl is-active user@$(id -u alice).service
            echo; echo "== in the user's manager"
            setpriv --reuid alice --regid alice --init-groups env XDG_RUNTIME_DIR=/run/user/$(id -u alice) \
                systemd-run --user --quiet --pipe --wait --collect --unit=deploy -- keyturn whoami
            """#)
        #expect(outcome["in the user's manager"].contains("stage on alice-*"), "\(outcome.output)")
        #expect(!outcome["in the user's manager"].contains("deploy.service"), "\(outcome.output)")
        #expect(!outcome["in the user's manager"].contains("rotate"), "\(outcome.output)")
    }

    @Test func `a unit is that of the process that connected, as long as it lives`() async throws {
        let outcome = try await Self.run(
            #"""
            echo; echo "== alive"
            in_keyturn deploy perl /keyturn-test/asker.pl now
            echo "== exec"
            in_keyturn deploy perl /keyturn-test/asker.pl exec
            echo "== gone, and its number somebody else's"
            go=/run/go; : > /run/gone; chmod 666 /run/gone
            systemd-run --quiet --unit=other --collect -p KillMode=process -p StandardOutput=append:/run/gone -- perl /keyturn-test/asker.pl dies $go
            for n in $(seq 500); do ls $go.* >/dev/null 2>&1 && break; sleep 0.02; done
            pid=$(ls $go.* | sed 's/.*\.//')
            mount -o remount,bind,rw /proc/sys
            for n in $(seq 100); do
                systemctl stop deploy.service 2>/dev/null
                echo $((pid - 2)) > /proc/sys/kernel/ns_last_pid
                systemd-run --quiet --unit=deploy --collect -- sleep 60
                grep -q deploy.service /proc/$pid/cgroup 2>/dev/null && break
            done
            echo "$pid is in $(cat /proc/$pid/cgroup)"
            touch $go
            for n in $(seq 500); do [ -s /run/gone ] && break; sleep 0.02; done
            cat /run/gone
            """#)
        #expect(outcome["alive"].contains("unit \"deploy.service\""), "\(outcome.output)")
        #expect(outcome["exec"].contains("after exec unit \"deploy.service\""), "\(outcome.output)")
        let gone = outcome["gone, and its number somebody else's"]
        #expect(gone.contains("/deploy.service") && gone.contains("uid 0 unit null"), "\(outcome.output)")
    }
}
