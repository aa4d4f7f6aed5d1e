import Foundation
import Testing

/// The commands of docs/operations.md, as they stand there.
@Suite(.timeLimit(.minutes(10)), .enabled(if: RealSystemd.isPossible, RealSystemd.whyNot))
struct `The page about operations` {
    private static let page = try? String(contentsOf: RealSystemd.repository.appending(path: "docs/operations.md"), encoding: .utf8)

    /// The blocks of a section; what it leaves to the reader is filled in.
    private static func commands(_ section: String) throws -> [String] {
        let text = try #require(page?.components(separatedBy: "\n## ").first { $0.hasPrefix("\(section)\n") }, "no section '\(section)'")
        return text.matches(of: #/```sh\n((?:.|\n)*?)```/#).map { String($0.1) }
            .map {
                $0.replacing("OLD_SLOT", with: "$old").replacing("keyturn status\n", with: "keyturn status || [ $? = 1 ]\n").replacing(
                    "BACKUP", with: "$(ls -d /var/lib/keyturn-backup/* | tail -n 1)")
            }
    }

    /// A vault with a recovery key, a config and a backup, in root's home.
    private static let begun = """
        cd /root
        keyturn slot add --recipient "$(keyturn recovery-key recovery.key)"
        old=$(keyturn slot list | awk '/credential/ {print $1}')
        echo token | keyturn upstream set fb --base-url https://127.0.0.1:1 --token-stdin
        keyturn config set openai-prod --upstream fb --id remote-1 --ai-type OPENAI
        printf sk-before | keyturn stage openai-prod --stdin --as-current
        systemctl enable keyturnd.socket keyturn-rotate.timer keyturn-backup.timer
        systemctl start keyturn-rotate.timer keyturn-backup.timer
        systemctl start keyturn-backup.service
        newmachine() { rm -rf /etc/credstore.encrypted/keyturn.key /var/lib/systemd/credential.secret; systemd-creds setup; }
        echo; echo "== commands"

        """

    private static let end = """

        echo "== afterwards"
        systemctl restart keyturnd.service
        keyturn status --json
        keyturn versions openai-prod
        keyturn slot list
        keyturn doctor --json
        """

    private static func expectMended(_ outcome: RealSystemd.Outcome, slots: Int = 2) {
        let after = outcome["afterwards"]
        #expect(after.contains(#""sealed":false"#) && after.contains(#""quarantine":null"#), "\(outcome.output)")
        #expect(after.contains("current"), "\(outcome.output)")
        #expect(after.matches(of: #/[0-9a-f]{16}  (credential|recipient)/#).count == slots, "\(outcome.output)")
        // The upstream of these tests is not there.
        let codes = after.matches(of: #/"code":"([a-z-]+)"/#).map { String($0.1) }
        #expect(codes == ["upstream-unreachable"], "\(codes) \(outcome.output)")
        #expect(!outcome.output.contains("sk-before"))
    }

    @Test func `gets a vault open again whose unlock key is another machine's`() async throws {
        let blocks = try Self.commands("Status 243: the unlock key does not open")
        let outcome = try await RealSystemd.run(
            Self.begun + "cp /etc/credstore.encrypted/keyturn.key kept; newmachine; cp kept /etc/credstore.encrypted/keyturn.key\n"
                + "systemctl restart keyturnd.service; systemctl show -P ExecMainStatus keyturnd.service; set -e\n" + blocks.joined()
                + Self.end)
        #expect(outcome["commands"].contains("243"))
        Self.expectMended(outcome)
    }

    @Test func `restores a vault in its place`() async throws {
        let outcome = try await RealSystemd.run(
            Self.begun + "dd if=/dev/urandom of=/var/lib/keyturn/vault.db bs=4k count=2 conv=notrunc status=none; set -e\n"
                + Self.commands("Restore").joined() + Self.end)
        #expect(outcome["commands"].contains("In quarantine"), "\(outcome.output)")
        Self.expectMended(outcome)
    }

    @Test func `moves a vault to another machine`() async throws {
        let blocks = try Self.commands("Move to another machine")
        try #require(blocks.count == 2)
        let outcome = try await RealSystemd.run(
            Self.begun + "set -e\n" + blocks[0] + "rm -rf /var/lib/keyturn /var/lib/keyturn-counter; newmachine\n" + blocks[1]
                + Self.end)
        Self.expectMended(outcome)
    }

    @Test func `replaces an unlock key that has leaked`() async throws {
        let outcome = try await RealSystemd.run(
            Self.begun + "cp -a /var/lib/keyturn stolen; set -e\n" + Self.commands("The unlock key has leaked").joined() + Self.end)
        Self.expectMended(outcome)
    }

    @Test func `knows every finding of the doctor`() throws {
        let folder = RealSystemd.repository.appending(path: "Sources/keyturn/Doctor")
        let sources = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).map {
            try String(contentsOf: $0, encoding: .utf8)
        }
        let codes = Set(sources.joined().matches(of: #/(?:found\(\s*|case "[0-9]+":\s*\(\s*)"([a-z0-9-]+)"/#).map { String($0.1) })
        #expect(codes.count > 20)
        #expect(codes.filter { Self.page?.contains("`\($0)`") != true } == [])
    }
}
