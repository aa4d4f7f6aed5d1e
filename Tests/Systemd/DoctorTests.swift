import FlashbackStandIn
import Foundation
import Testing

/// Each thing that `keyturn doctor` is there for is broken under a real systemd, looked at, and mended.
@Suite(.timeLimit(.minutes(10)), .enabled(if: RealSystemd.isPossible, RealSystemd.whyNot))
struct `The doctor` {
    private static let beginning = #"""
        reload_until() { systemctl reload keyturnd.service; for n in $(seq 200); do systemctl show -P StatusText keyturnd.service | grep -q "$1" && break; sleep 0.05; done; }
        until_failed() { for n in $(seq 600); do systemctl is-failed "$1" && break; sleep 0.05; done; }
        echo; echo "== as installed"
        keyturn doctor --json; echo "ended with $?"
        systemctl enable --now keyturnd.socket keyturn-rotate.timer keyturn-backup.timer 2> /dev/null
        recovery=$(keyturn recovery-key /root/recovery.key)
        keyturn slot add --recipient $recovery
        echo BEARER | keyturn upstream set fb --base-url BACKEND --ca-file ca.pem --token-stdin
        keyturn config set a --upstream fb --id REMOTE --ai-type OPENAI
        printf sk-before | keyturn stage a --stdin --as-current
        printf bad-after | keyturn stage a --stdin
        systemctl start keyturn-backup.service
        echo "== well"
        keyturn doctor --json; echo "ended with $?"

        """#

    /// Several boots, since one by one they take minutes.
    private static let parts = 3

    @Test(arguments: 0..<parts) func `finds and explains each thing that is broken, and nothing once it is mended`(_ part: Int) async throws
    {
        let rows = BrokenInstallation.all[
            BrokenInstallation.all.count * part / Self.parts..<BrokenInstallation.all.count * (part + 1) / Self.parts]
        let standIn = try await StandIn.start()
        standIn.addConfiguration(id: BrokenInstallation.remoteID, name: "production", key: "sk-before")
        standIn.addConfiguration(id: "\(BrokenInstallation.remoteID)-b", name: "second", key: "sk-other")
        let steps = rows.map { row in
            """
            echo "== \(row.name)"
            { \(row.breaking); } > /dev/null 2>&1
            keyturn doctor --json; echo "ended with $?"
            echo "== \(row.name), mended"
            { \(row.mending); } 2>&1 | sed 's/^/# /'
            keyturn doctor --json; echo "ended with $?"

            """
        }
        let script = (Self.beginning + steps.joined()).replacing("BACKEND", with: standIn.baseURL).replacing(
            "REMOTE", with: BrokenInstallation.remoteID
        )
        .replacing("BEARER", with: Options.defaultBearer)
        let outcome = try await RealSystemd.run(script, files: ["ca.pem": standIn.caPEM], backend: true)
        await standIn.stop()
        let installed = try Self.seen(outcome["as installed"])
        #expect(
            installed.codes.isSuperset(of: ["not-enabled", "timer-not-enabled", "no-recovery-slot", "no-recent-backup"]), "\(installed)")
        #expect(try Self.seen(outcome["well"]).isWell, "\(outcome["well"])")
        for row in rows {
            let broken = try Self.seen(outcome[row.name])
            #expect(broken.status == 1 && broken.codes == row.codes && broken.text.contains(row.says), "\(row.name): \(outcome[row.name])")
            let mended = try Self.seen(outcome["\(row.name), mended"])
            #expect(
                mended.isWell && (row.mendingSays.isEmpty || mended.text.contains("# \(row.mendingSays)")),
                "\(row.name), mended: \(outcome["\(row.name), mended"])")
        }
        #expect(!outcome.output.contains("sk-before") && !outcome.output.contains(Options.defaultBearer))
    }

    @Test func `tells a user without rights what it could not see, and one with them that all is well`() async throws {
        let outcome = try await RealSystemd.run(
            #"""
            log_in
            systemctl enable --now keyturnd.socket keyturn-rotate.timer keyturn-backup.timer 2> /dev/null
            keyturn slot add --recipient $(keyturn recovery-key /root/recovery.key)
            systemctl start keyturn-backup.service
            echo; echo "== a stranger"
            $user keyturn doctor --json; echo "ended with $?"
            echo "== in the group"
            $user -p SupplementaryGroups=keyturn keyturn doctor --json; echo "ended with $?"
            echo "== a monitor"
            cat >> /etc/keyturn/policy.yaml <<'END'
              - name: monitor
                who: { user: dev }
                configs: ["*"]
                may: [status, read, bind, audit]
            END
            systemctl restart keyturnd.service
            $user -p SupplementaryGroups=keyturn keyturn doctor --json; echo "ended with $?"
            echo "== the daemon down"
            systemctl stop keyturnd.socket keyturnd.service
            $user -p SupplementaryGroups=keyturn keyturn doctor --json; echo "ended with $?"
            echo "== one's own"
            $user keyturn init --user
            $user keyturn doctor --json; echo "ended with $?"
            $user systemctl --user enable --now keyturnd.socket keyturn-rotate.timer
            $user keyturn slot add --recipient $($user keyturn recovery-key recovery.key)
            $user keyturn backup b.backup
            echo "== one's own, well"
            $user keyturn doctor --json; echo "ended with $?"
            echo "== one's own, until its user logs out"
            rm /var/lib/systemd/linger/dev
            $user keyturn doctor --json; echo "ended with $?"
            touch /var/lib/systemd/linger/dev
            echo "== one's own, its key open"
            chmod 644 /home/dev/.local/state/keyturn.key
            $user keyturn doctor --json; echo "ended with $?"
            """#)
        let stranger = try Self.seen(outcome["a stranger"])
        #expect(stranger.status == 1 && stranger.codes.isEmpty && stranger.unseen.count == 3, "\(outcome["a stranger"])")
        let member = try Self.seen(outcome["in the group"])
        #expect(member.status == 1 && member.codes.isEmpty && member.text.contains("right 'status'"), "\(outcome["in the group"])")
        #expect(try Self.seen(outcome["a monitor"]).isWell, "\(outcome["a monitor"])")
        let down = try Self.seen(outcome["the daemon down"])
        #expect(down.status == 1 && down.codes == ["no-socket"] && down.unseen.count == 2, "\(outcome["the daemon down"])")
        let own = try Self.seen(outcome["one's own"])
        #expect(
            own.codes == ["no-socket", "not-enabled", "timer-not-enabled"] && own.text.contains("systemctl --user enable --now"),
            "\(outcome["one's own"])")
        #expect(try Self.seen(outcome["one's own, well"]).isWell, "\(outcome.output)")
        let leaving = try Self.seen(outcome["one's own, until its user logs out"])
        #expect(leaving.codes == ["no-linger"] && leaving.text.contains("loginctl enable-linger"), "\(outcome.output)")
        let open = try Self.seen(outcome["one's own, its key open"])
        #expect(open.codes == ["unlock-key-open"], "\(outcome.output)")
    }

    private struct Seen {
        let status: Int?
        let text: String
        let codes: Set<String>
        let unseen: [String]
        let isWell: Bool
    }

    /// The document that a section has, and the line about its end.
    private static func seen(_ section: String) throws -> Seen {
        struct Document: Decodable {
            struct Finding: Decodable { let code: String }
            struct Unseen: Decodable { let what: String }
            let well: Bool
            let findings: [Finding]
            let unseen: [Unseen]
        }
        let line = try #require(section.split(separator: "\n").last { $0.hasPrefix("{") }, "\(section)")
        let document = try JSONDecoder().decode(Document.self, from: Data(line.utf8))
        let status = section.firstMatch(of: #/ended with ([0-9]+)/#).flatMap { Int($0.1) }
        return Seen(
            status: status, text: section.replacing("\\/", with: "/"), codes: Set(document.findings.map(\.code)),
            unseen: document.unseen.map(\.what),
            isWell: document.well && status == 0)
    }
}
