import Foundation
import Testing

@Suite(.timeLimit(.minutes(10)), .enabled(if: RealSystemd.isPossible, RealSystemd.whyNot))
struct `The unlock key, under a real systemd` {
    /// What `status` says after a start from scratch, and what systemd shows.
    private static let look = #"""
        look() {
            echo "== $1"
            systemctl stop keyturnd.service keyturnd.socket; systemctl reset-failed keyturnd.service keyturnd.socket 2>/dev/null
            systemctl start keyturnd.socket
            keyturn status; echo "ended with $?"
            systemctl --no-pager status keyturnd.service | grep Status:
            echo "in the journal: $(journalctl -o cat -u keyturnd | grep '^Sealed' | tail -n 1)"
        }
        instead() {
            mkdir -p /run/systemd/system/keyturnd.service.d
            { echo "[Service]"; echo "LoadCredentialEncrypted="; [ -z "$1" ] || echo "$1"; } > /run/systemd/system/keyturnd.service.d/key.conf
            systemctl daemon-reload
        }
        credential=/etc/credstore.encrypted/keyturn.key
        cp $credential /root/good
        systemd-creds decrypt --name=keyturn.key $credential /root/keyturn.key
        echo

        """#

    @Test func `opens the vault as a credential of the host's key, a plain one, a key file, or by what somebody knows`() async throws {
        let outcome = try await RealSystemd.run(
            Self.look
                + #"""
                look "the host's key"
                instead LoadCredential=keyturn.key:/root/keyturn.key
                look "a plain credential"
                instead ""
                install -o keyturn -g keyturn -m 600 /root/keyturn.key /var/lib/keyturn.key
                look "a key file"
                printf 'correct horse battery staple' | keyturn slot add --passphrase --name paper --stdin
                rm /var/lib/keyturn.key
                look "none"
                printf 'a wrong passphrase' | keyturn unseal --passphrase --stdin; echo "wrong: $?"
                printf 'correct horse battery staple' | keyturn unseal --passphrase --stdin; echo "right: $?"
                keyturn status 2>/dev/null
                """#)
        for way in ["the host's key", "a plain credential", "a key file"] {
            #expect(outcome[way].contains("unsealed; 0 configs") && outcome[way].contains("ended with 0"), "\(outcome.output)")
            #expect(outcome[way].contains("Status: \"Unsealed.\""), "\(outcome.output)")
        }
        #expect(outcome["none"].contains("wrong: 1") && outcome["none"].contains("right: 0"), "\(outcome.output)")
        #expect(outcome["none"].contains("unsealed; 0 configs, 0 upstreams\n"), "\(outcome.output)")
    }

    @Test func `that is missing, wrong or can't be read leaves the daemon sealed, which says why and what to do`() async throws {
        let outcome = try await RealSystemd.run(
            Self.look
                + #"""
                rm $credential
                look "missing"
                head -c 32 /dev/urandom > /root/other; systemd-creds encrypt --name=keyturn.key /root/other $credential 2>/dev/null
                look "another vault's"
                head -c 31 /dev/urandom > /root/short; systemd-creds encrypt --name=keyturn.key /root/short $credential 2>/dev/null
                look "too short"
                instead ""
                install -o keyturn -g keyturn -m 644 /root/keyturn.key /var/lib/keyturn.key
                look "readable for all"
                install -o daemon -g daemon -m 600 /root/keyturn.key /var/lib/keyturn.key
                look "another user's"
                chown keyturn:keyturn /var/lib/keyturn.key
                echo "== mended"
                keyturn unseal; echo "ended with $?"
                """#)
        let reasons = [
            "missing": "it was not passed, and /var/lib/keyturn.key does not exist either",
            "another vault's": "systemd's credential 'keyturn.key' can't be used: it does not open this vault",
            "too short": "systemd's credential 'keyturn.key' can't be used: it has 31 bytes instead of 32",
            "readable for all": "others may read it: chmod 600 /var/lib/keyturn.key",
            "another user's": "The key file /var/lib/keyturn.key can't be used",
        ]
        for (way, reason) in reasons {
            let shown = outcome[way]
            #expect(shown.contains("ended with 6"), "\(outcome.output)")
            #expect(shown.components(separatedBy: reason).count == 4, "in status, the status text and the journal:\n\(shown)")
            #expect(shown.contains(way.contains("all") || way.contains("user") ? "try: keyturn unseal" : "try: systemctl restart keyturnd"))
        }
        #expect(outcome["mended"].contains("ended with 0"), "\(outcome.output)")
    }

    /// systemd gives up before the daemon can say a word.
    @Test func `that systemd can't decrypt ends the start with status 243, and the right one mends it`() async throws {
        let outcome = try await RealSystemd.run(
            Self.look
                + #"""
                look() {
                    echo "== $1"
                    systemctl stop keyturnd.socket keyturnd.service; systemctl reset-failed keyturnd.service 2>/dev/null
                    systemctl start keyturnd.service 2>/dev/null
                    systemctl show -p ExecMainStatus keyturnd.service
                }
                head -c 33 /root/good > $credential
                look "cut off"
                systemd-creds encrypt --name=another.key /root/keyturn.key $credential 2>/dev/null
                look "another credential's"
                cp /root/good $credential; mv /var/lib/systemd/credential.secret /root/secret
                look "another host's"
                mv /root/secret /var/lib/systemd/credential.secret
                look "the right one"
                keyturn status | head -n 1
                """#)
        for way in ["cut off", "another credential's", "another host's"] {
            #expect(outcome[way].hasPrefix("ExecMainStatus=243"), "\(outcome.output)")
        }
        #expect(outcome["the right one"].contains("unsealed"), "\(outcome.output)")
    }
}
