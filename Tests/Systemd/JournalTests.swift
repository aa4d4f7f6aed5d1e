import FlashbackStandIn
import Foundation
import TestProcesses
import Testing

@Suite(
    .timeLimit(.minutes(10)),
    .enabled(if: RealSystemd.isPossible, RealSystemd.whyNot)
) struct `The journal of a real systemd` {
    private static let ids = ["550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-446655440001"]

    @Test func `tells the story of one config, explains each entry, and has no secret`() async throws {
        let keys = ["old", "new", "bad"].map { Canary(key: $0) }
        let bearer = Canary(bearer: "tok")
        var options = Options()
        options.bearers = [bearer.text]
        let standIn = try await StandIn.start(options)
        for id in Self.ids { standIn.addConfiguration(id: id, name: "production", key: keys[0].text) }
        let outcome = try await RealSystemd.run(
            Self.script.replacing("BACKEND", with: standIn.baseURL).replacing("REMOTE_A", with: Self.ids[0])
                .replacing("REMOTE_B", with: Self.ids[1]),
            files: ["ca.pem": standIn.caPEM, "token": bearer.text, "old": keys[0].text, "new": keys[1].text, "bad": keys[2].text],
            backend: true)
        await standIn.stop()
        #expect(outcome.status == 0, "\(outcome.output)")

        let story = outcome["story"].split(separator: "\n").map { String($0.prefix { $0 != ":" }) }
        let told = [
            "config.created a", "version.adopted a", "version.staged a", "rotation.requested a", "rotation.succeeded a", "version.staged a",
            "rotation.requested a", "rotation.reverting a", "rotation.rejected a",
        ]
        #expect(story == told, "\(outcome.output)")

        let explained = outcome["explained"]
        #expect(explained.contains("Subject: The backend rejected a key of a"), "\(outcome.output)")
        #expect(explained.contains("    keyturn stage a"), "the step names the config: \(outcome.output)")

        let fields = try #require(
            JSONSerialization.jsonObject(with: Data(outcome["fields"].utf8)) as? [String: Any], "\(outcome["fields"])")
        #expect(
            fields["SYSLOG_IDENTIFIER"] as? String == "keyturnd" && fields["PRIORITY"] as? String == "3"
                && fields["KEYTURN_EVENT"] as? String == "rotation.rejected" && fields["KEYTURN_CONFIG"] as? String == "a"
                && fields["KEYTURN_VERSION"] as? String == "3" && fields["KEYTURN_UPSTREAM"] as? String == "fb"
                && fields["KEYTURN_OUTCOME"] as? String == "rejected" && fields["KEYTURN_REASON"] is String
                && fields["KEYTURN_ROTATION"] is String && fields["KEYTURN_AUDIT_SEQ"] is String
                && fields["KEYTURN_NEXT_STEP"] as? String == "keyturn config show a", "\(fields)")
        #expect(outcome["callers"].contains("KEYTURN_CALLER_UID=0"), "\(outcome["callers"])")

        #expect(outcome["in no catalogue"].isEmpty, "\(outcome["in no catalogue"])")
        #expect(outcome["without an id"].isEmpty, "\(outcome["without an id"])")
        #expect(outcome["verified"].hasSuffix("verified with 0"), "\(outcome["verified"])")
        #expect(outcome["everything"].contains("rotation.rejected"), "the search would see it")
        let findings = CanarySearch(keys + [bearer]).findings(in: ["the journal": Array(outcome.output.utf8)])
        #expect(findings.isEmpty, "\(findings)")
    }

    private static let script = #"""
        keyturn upstream set fb --base-url BACKEND --ca-file ca.pem --token-stdin < token
        keyturn config set a --upstream fb --id REMOTE_A --ai-type OPENAI
        keyturn config set b --upstream fb --id REMOTE_B --ai-type OPENAI
        keyturn stage a --file old --as-current
        keyturn stage a --file new && keyturn rotate a
        keyturn stage a --file bad && keyturn rotate a
        keyturn pause b
        ours="journalctl --no-pager -u keyturnd.service"
        echo; echo "== story"
        $ours -o cat KEYTURN_CONFIG=a
        echo "== explained"
        $ours -x KEYTURN_EVENT=rotation.rejected
        echo "== fields"
        $ours -o json KEYTURN_EVENT=rotation.rejected
        echo "== callers"
        $ours -o verbose KEYTURN_EVENT=rotation.requested | grep CALLER
        echo "== in no catalogue"
        for id in $($ours -o json _COMM=keyturnd | sed -n 's/.*"MESSAGE_ID":"\([0-9a-f]*\)".*/\1/p' | sort -u); do
            journalctl --no-pager --list-catalog $id > /dev/null || echo $id
        done
        echo "== without an id"
        $ours -o json _COMM=keyturnd | grep -v '"MESSAGE_ID"'
        echo "== verified"
        journalctl --rotate && journalctl --quiet --verify; echo "verified with $?"
        echo "== everything"
        journalctl --no-pager -o export
        """#
}
