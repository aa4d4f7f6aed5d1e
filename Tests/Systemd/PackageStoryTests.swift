import FlashbackStandIn
import Foundation
import TestProcesses
import Testing

@Suite(
    .timeLimit(.minutes(10)),
    .enabled(
        if: CleanDebian.isPossible && RealSystemd.isPossible,
        "skipped: takes root, debootstrap, a systemd that boots here, and KEYTURN_DEBS, the folder of the packages: see docs/reliability.md"
    )
) struct `The packages in a clean Debian` {
    private static let a = "550e8400-e29b-41d4-a716-446655440000"
    private static let b = "550e8400-e29b-41d4-a716-446655440001"

    @Test func `are installed, enrolled, upgraded over a rotation, removed, purged and installed again, and the vault is still there`()
        async throws
    {
        let standIn = try await StandIn.start()
        for id in [Self.a, Self.b] { standIn.addConfiguration(id: id, name: id, key: "sk-before") }
        // Longer than the installation takes: the rotation is under way when the daemon is replaced.
        standIn.order(.hangAfterEffect, for: .put, id: Self.b, times: 4)
        let outcome = try CleanDebian.run(
            Self.story.replacing("BACKEND", with: standIn.baseURL).replacing("REMOTE_A", with: Self.a).replacing("REMOTE_B", with: Self.b)
                .replacing("BEARER", with: Options.defaultBearer),
            files: ["ca.pem": standIn.caPEM])
        let held = [Self.a, Self.b].map { standIn.held($0)?.key }
        await standIn.stop()
        #expect(outcome.status == 0 && held == ["sk-after", "sk-after"], "\(outcome.output)")
        #expect(outcome["installed"].contains("keyturnd.socket: enabled, active"), "\(outcome["installed"])")
        #expect(outcome["installed"].contains("keyturn-rotate.timer: enabled, active"), "\(outcome["installed"])")
        #expect(outcome["installed"].contains("There is no vault at /var/lib/keyturn"), "the socket has started the daemon")
        #expect(outcome["enrolled"].contains("unsealed; 0 configs"), "\(outcome["enrolled"])")
        #expect(outcome["enrolled"].contains("/var/lib/keyturn of keyturn, 700"), "\(outcome["enrolled"])")
        #expect(outcome["rotated"].contains("ended with 0"), "\(outcome["rotated"])")
        let upgraded = outcome["upgraded"]
        #expect(upgraded.contains("before: running") && upgraded.contains("after: running in another process"), "\(upgraded)")
        #expect(upgraded.contains("at last: 1 succeeded") && upgraded.contains("refused: 0"), "\(upgraded)")
        #expect(upgraded.contains("keyturnd.socket: enabled, active"), "\(upgraded)")
        #expect(upgraded.contains("keyturn-rotate.timer: disabled, inactive"), "an administrator's decision stays: \(upgraded)")
        #expect(
            outcome["removed"].hasSuffix("active units: 0\n/etc/keyturn/policy.yaml\n/var/lib/keyturn/vault.db"), "\(outcome["removed"])")
        #expect(outcome["purged"].contains("The vault stays"), "\(outcome["purged"])")
        #expect(
            outcome["purged"].hasSuffix("left: /var/lib/keyturn/vault.db\nleft: /var/lib/keyturn-counter/counter"),
            "\(outcome["purged"])")
        let again = outcome["installed again"]
        #expect(again.contains("keyturn-rotate.timer: enabled, active") && again.contains("unsealed; 2 configs"), "\(again)")
        #expect(outcome["purged with the vault"].hasSuffix("nothing else is left"), "\(outcome["purged with the vault"])")
        #expect(!outcome.output.contains("sk-"))
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: CleanDebian.lintian), "skipped: lintian is not there"))
    func `are without an error to lintian`() throws {
        let found = try RealSystemd.run(CleanDebian.lintian, ["--display-info", "--fail-on", "error"] + CleanDebian.files())
        #expect(found.status == 0, "\(found.output)")
        // The tables by which a program finds its libraries' functions can't be written to once it runs.
        #expect(!found.output.contains("hardening-no-bindnow") && !found.output.contains("hardening-no-pie"), "\(found.output)")
    }

    private static let story = #"""
        export DEBIAN_FRONTEND=noninteractive LC_ALL=C
        units() { for unit in keyturnd.socket keyturn-rotate.timer keyturnd.service; do
            echo "$unit: $(systemctl is-enabled $unit), $(systemctl is-active $unit)"; done; }
        echo; echo "== installed"
        apt-get -qq install -y ./keyturn.deb ./keyturnd.deb
        units
        keyturn status
        echo "== enrolled"
        keyturn init --systemd-credential && systemctl restart keyturnd.service
        keyturn status
        stat -c '%n of %U, %a' /var/lib/keyturn
        echo "== rotated"
        echo BEARER | keyturn upstream set fb --base-url BACKEND --ca-file ca.pem --token-stdin
        keyturn config set a --upstream fb --id REMOTE_A --ai-type OPENAI
        keyturn config set b --upstream fb --id REMOTE_B --ai-type OPENAI
        for config in a b; do printf sk-before | keyturn stage $config --stdin --as-current; done
        for config in a b; do printf sk-after | keyturn stage $config --stdin; done
        systemctl start keyturn-rotate@a.service; echo "ended with $?"
        echo "== upgraded"
        systemctl enable --now keyturn-rotate.target keyturn-rotate@a.timer
        systemctl disable --now keyturn-rotate.timer
        keyturn rotate b --no-wait
        touch /tmp/asking
        (while [ -e /tmp/asking ]; do keyturn whoami >/dev/null 2>&1 || echo "$?"; done) >/tmp/refused &
        process=$(systemctl show -P MainPID keyturnd.service)
        echo "before: $(keyturn history b | grep -o running)"
        apt-get -qq install -y ./newer/keyturn.deb ./newer/keyturnd.deb
        [ "$process" != "$(systemctl show -P MainPID keyturnd.service)" ] && echo "after: $(keyturn history b | grep -o running) in another process"
        for n in $(seq 600); do keyturn history b | grep -q running || break; sleep 0.1; done
        rm /tmp/asking; wait
        echo "at last: $(keyturn history b | grep -c b) $(keyturn history b | grep -o succeeded); refused: $(wc -l </tmp/refused)"
        units
        echo "== removed"
        apt-get -qq remove -y keyturnd
        echo "active units: $(systemctl list-units --state=active --plain --no-legend 'keyturn*.s*' 'keyturn*.t*' | wc -l)"
        ls /usr/bin/keyturnd /etc/keyturn/policy.yaml /var/lib/keyturn/vault.db 2>/dev/null
        echo "== purged"
        apt-get -qq purge -y keyturnd
        for path in /etc/keyturn $(find /etc/systemd -name 'keyturn*') /var/lib/keyturn/vault.db /var/lib/keyturn-counter/counter; do
            [ -e $path ] || [ -L $path ] && echo "left: $path"; done
        echo "== installed again"
        apt-get -qq install -y ./newer/keyturnd.deb
        units
        keyturn status
        echo "== purged with the vault"
        KEYTURN_PURGE_VAULT=yes apt-get -qq purge -y keyturn keyturnd
        find / -xdev -name '*keyturn*' -not -path '/proc/*' -not -path /keyturn-packages -not -path /root/keyturn.key -not -path '/run/*' |
            grep . || echo "nothing else is left"
        """#
}
