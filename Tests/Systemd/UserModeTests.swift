import FlashbackStandIn
import Foundation
import Testing

@Suite(.timeLimit(.minutes(10)), .enabled(if: RealSystemd.isPossible, RealSystemd.whyNot))
struct `A daemon of one's own` {
    private static let id = "550e8400-e29b-41d4-a716-446655440000"

    /// The README's commands as they stand there, but that secrets are piped instead of typed, and that the stand-in has a CA of its own.
    private static func commands(at backend: StandIn) throws -> String {
        let readme = try String(contentsOf: RealSystemd.repository.appending(path: "README.md"), encoding: .utf8)
        let section = try #require(readme.components(separatedBy: "\n## Without root\n").last)
        let block = String(try #require(section.firstMatch(of: #/```sh\n((?:.|\n)*?)```/#)).1)
        #expect(block.split(separator: "\n").count == 5)
        return block.replacing("https://YOUR.FLASHBACK.HOST", with: "\(backend.baseURL) --ca-file \(RealSystemd.folder)/ca.pem")
            .replacing("REMOTE_ID", with: id)
            .replacing("keyturn upstream set", with: "echo \(Options.defaultBearer) | keyturn upstream set")
            .replacing("keyturn stage openai-prod", with: "printf sk-after | keyturn stage openai-prod --stdin")
    }

    @Test func `goes from nothing to a rotation in five commands, without root`() async throws {
        let standIn = try await StandIn.start()
        standIn.addConfiguration(id: Self.id, name: "production", key: "sk-before")
        let outcome = try await RealSystemd.run(
            #"""
            log_in
            echo; echo "== five commands"
            $user bash -e /keyturn-test/five.sh; echo "ended with $?"
            echo "== by the timer"
            $user systemctl --user start keyturn-rotate.service; echo "ended with $?"
            $user systemctl --user is-active keyturn-rotate.timer
            echo "== who may"
            $user keyturn whoami
            echo "== where things are"
            (cd /home/dev && stat -c '%a %n' .local/state/keyturn .local/state/keyturn.key .local/state/keyturn/vault.db)
            stat -c '%a %n' /run/user/7777/keyturn /run/user/7777/keyturn/keyturn.sock
            echo "== the sandbox"
            pid=$($user systemctl --user show -P MainPID keyturnd.service)
            $user bash -c "grep -E '^(NoNewPrivs|Seccomp):' /proc/$pid/status"
            nsenter -t $pid -m sh -c 'touch /home/dev/x; touch /home/dev/.local/state/x && echo "may write its own folder"; ls /home/dev/.ssh'
            echo "== what Dispatch complains of"
            echo "$(journalctl -q -o cat | grep -c 'thread priority') times"
            echo "== settings and policy"
            mkdir -p /home/dev/.config/keyturn
            echo 'rules: []' > /home/dev/.config/keyturn/policy.yaml
            chown -R dev /home/dev/.config
            $user systemctl --user reload keyturnd.service || echo "not reloaded"
            for n in $(seq 200); do $user keyturn status > /dev/null 2>&1 || break; sleep 0.05; done
            $user keyturn status; echo "ended with $?"
            echo "== root is nobody there"
            rm /home/dev/.config/keyturn/policy.yaml; $user systemctl --user restart keyturnd.service
            keyturn --socket /run/user/7777/keyturn/keyturn.sock whoami
            echo "== without user namespaces"
            mkdir -p /home/dev/.config/systemd/user/keyturnd.service.d
            printf '[Service]\nPrivateUsers=no\n' > /home/dev/.config/systemd/user/keyturnd.service.d/x.conf
            $user systemctl --user daemon-reload
            $user systemctl --user restart keyturnd.service
            $user keyturn status; echo "ended with $?"
            """#, files: ["ca.pem": standIn.caPEM, "five.sh": Self.commands(at: standIn)], backend: true)
        let held = standIn.held(Self.id)?.key
        await standIn.stop()
        #expect(
            outcome["five commands"].contains("version 1 is current, proven") && outcome["five commands"].contains("ended with 0"),
            "\(outcome.output)")
        #expect(held == "sk-after")
        #expect(outcome["by the timer"] == "ended with 0\nactive", "\(outcome.output)")
        #expect(outcome["who may"].contains("the daemon's user"), "\(outcome.output)")
        #expect(
            outcome["where things are"] == """
                700 .local/state/keyturn
                600 .local/state/keyturn.key
                600 .local/state/keyturn/vault.db
                700 /run/user/7777/keyturn
                600 /run/user/7777/keyturn/keyturn.sock
                """, "\(outcome.output)")
        let sandbox = outcome["the sandbox"]
        #expect(sandbox.contains("NoNewPrivs:\t1") && sandbox.contains("Seccomp:\t2"), "\(outcome.output)")
        #expect(
            sandbox.contains("'/home/dev/x': Read-only file system") && sandbox.contains("may write its own folder"), "\(outcome.output)")
        #expect(outcome["what Dispatch complains of"] == "0 times", "\(outcome.output)")
        let reloaded = outcome["settings and policy"]
        #expect(reloaded.contains("ended with 3") && !reloaded.contains("not reloaded"), "\(outcome.output)")
        #expect(outcome["root is nobody there"].contains("rights: none"), "\(outcome.output)")
        #expect(outcome["without user namespaces"].contains("ended with 0"), "\(outcome.output)")
    }

    /// Which daemon a command without --socket talks to.
    @Test func `is found where the system's is not for this user, and nowhere that others could have put it`() async throws {
        let outcome = try await RealSystemd.run(
            #"""
            log_in
            echo; echo "== nothing of one's own"
            $user keyturn whoami
            $user keyturn init --user > /dev/null
            $user systemctl --user start keyturnd.socket
            echo "== one's own"
            $user keyturn whoami
            echo "== the system's, for its group"
            $user -p SupplementaryGroups=keyturn keyturn whoami
            echo "== one's own, its socket down"
            $user systemctl --user stop keyturnd.socket keyturnd.service
            $user keyturn status
            $user keyturn doctor
            echo "== both down, for the system's group outside of a session"
            systemctl stop keyturnd.socket keyturnd.service
            $user -p SupplementaryGroups=keyturn env -u XDG_RUNTIME_DIR keyturn doctor; echo "ended with $?"
            systemctl start keyturnd.socket
            $user systemctl --user start keyturnd.socket
            echo "== a folder of somebody else's"
            useradd -u 7778 eve
            install -d -o eve /srv/fake /srv/fake/keyturn
            python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/srv/fake/keyturn/keyturn.sock")'
            chmod 777 /srv/fake/keyturn/keyturn.sock
            $user -E XDG_RUNTIME_DIR=/srv/fake keyturn whoami
            echo "== a folder that others can write"
            chown -R dev /srv/fake; chmod 777 /srv/fake
            $user -E XDG_RUNTIME_DIR=/srv/fake keyturn whoami
            echo "== root"
            XDG_RUNTIME_DIR=/run/user/7777 keyturn whoami
            """#)
        let system = "/run/keyturn/keyturn.sock"
        #expect(outcome["nothing of one's own"].contains(system), "\(outcome.output)")
        #expect(outcome["one's own"].contains("the daemon's user"), "\(outcome.output)")
        #expect(outcome["the system's, for its group"].contains("rights: none"), "\(outcome.output)")
        let down = outcome["one's own, its socket down"]
        #expect(
            down.contains("try: systemctl --user start keyturnd.socket")
                && down.contains("try: systemctl --user enable --now keyturnd.socket")
                && !down.contains(system), "\(outcome.output)")
        let outside = outcome["both down, for the system's group outside of a session"]
        #expect(
            outside.contains("no-socket: keyturnd.socket is inactive") && outside.contains("/var/lib/keyturn")
                && outside.contains("ended with 1"), "\(outcome.output)")
        #expect(outcome["a folder of somebody else's"].contains(system), "\(outcome.output)")
        #expect(outcome["a folder that others can write"].contains(system), "\(outcome.output)")
        #expect(outcome["root"].contains("uid:    0"), "\(outcome.output)")
    }
}
