import FlashbackStandIn
import Foundation
import Testing

@Suite(
    .timeLimit(.minutes(10)),
    .enabled(if: RealSystemd.isPossible, RealSystemd.whyNot)
) struct `Keyturn under a real systemd` {
    private static let id = "550e8400-e29b-41d4-a716-446655440000"

    @Test func `starts with the first request, rotates by its timers' units, and lets nobody else`() async throws {
        let standIn = try await StandIn.start()
        standIn.addConfiguration(id: Self.id, name: "production", key: "sk-before")
        let outcome = try await RealSystemd.run(
            Self.story.replacing("BACKEND", with: standIn.baseURL).replacing("REMOTE", with: Self.id)
                .replacing("BEARER", with: Options.defaultBearer),
            files: ["ca.pem": standIn.caPEM], backend: true)
        let held = standIn.held(Self.id)?.key
        await standIn.stop()
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect(outcome["first request"].contains("unsealed; 0 configs"), "\(outcome.output)")
        #expect(outcome["status text"].contains("Status: \"Unsealed.\""), "\(outcome.output)")
        #expect(outcome["rotated by the timer's unit"].contains("ended with 0"), "\(outcome.output)")
        #expect(held == "sk-after")
        #expect(outcome["nothing due"].contains("ended with 0"), "\(outcome.output)")
        #expect(
            outcome["a stranger"].contains("There is no config 'a'.") && outcome["a stranger"].contains("rights: none"), "\(outcome.output)"
        )
        #expect(outcome["the timer's rights"].contains("read rotate on *"), "\(outcome.output)")
        #expect(!outcome["the timer's rights"].contains("stage"), "\(outcome.output)")
        #expect(outcome["audit"].contains("keyturn-rotate@a.service"), "\(outcome.output)")
        #expect(outcome["a bad policy"].contains("The last reload was refused: /etc/keyturn/policy.yaml"), "\(outcome.output)")
        #expect(outcome["a good one again"].contains("Status: \"Unsealed.\""), "\(outcome.output)")
        #expect(outcome["journal"].contains("rotation.succeeded a") && !outcome["journal"].contains("priority"), "\(outcome.output)")
        #expect(!outcome.output.contains("sk-after") && !outcome.output.contains("sk-before"))
        let exposure = outcome["exposure"].firstMatch(of: #/keyturnd\.service: ([0-9.]+)/#).flatMap { Double($0.1) }
        #expect(exposure.map { $0 <= 1.2 } == true, "\(outcome["exposure"])")
    }

    private static let story = #"""
        stranger="systemd-run --quiet --pipe --wait -p DynamicUser=yes -p SupplementaryGroups=keyturn"
        echo; echo "== first request"
        keyturn status
        echo "== status text"
        systemctl --no-pager status keyturnd.service | grep Status:
        echo "== set up"
        echo BEARER | keyturn upstream set fb --base-url BACKEND --ca-file ca.pem --token-stdin
        keyturn config set a --upstream fb --id REMOTE --ai-type OPENAI
        printf sk-before | keyturn stage a --stdin --as-current
        printf sk-after | keyturn stage a --stdin
        echo "== rotated by the timer's unit"
        systemctl start keyturn-rotate@a.service; echo "ended with $?"
        echo "== nothing due"
        systemctl start keyturn-rotate.service; echo "ended with $?"
        echo "== a stranger"
        $stranger --unit=stranger keyturn rotate a
        $stranger --unit=stranger-again keyturn whoami
        echo "== the timer's rights"
        mkdir -p /run/systemd/system/keyturn-rotate@who.service.d
        printf '[Service]\nExecStart=\nExecStart=/usr/bin/keyturn whoami\n' > /run/systemd/system/keyturn-rotate@who.service.d/who.conf
        systemctl daemon-reload
        systemctl start keyturn-rotate@who.service
        journalctl --no-pager -o cat -u keyturn-rotate@who.service
        echo "== audit"
        keyturn audit
        echo "== a bad policy"
        echo '  - nonsense: 1' >> /etc/keyturn/policy.yaml
        systemctl reload keyturnd.service
        for n in $(seq 200); do systemctl --no-pager status keyturnd.service | grep -q refused && break; sleep 0.05; done
        systemctl --no-pager status keyturnd.service | grep Status:
        echo "== a good one again"
        install -m 644 policy.yaml /etc/keyturn/policy.yaml
        systemctl reload keyturnd.service
        for n in $(seq 200); do systemctl --no-pager status keyturnd.service | grep -q refused || break; sleep 0.05; done
        systemctl --no-pager status keyturnd.service | grep Status:
        echo "== journal"
        journalctl --no-pager -o cat -u keyturnd.service
        echo "== exposure"
        systemd-analyze --no-pager security keyturnd.service | tail -n 1
        """#
}
