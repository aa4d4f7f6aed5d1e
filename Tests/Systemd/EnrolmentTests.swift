import Foundation
import Testing

@Suite(.timeLimit(.minutes(10)), .enabled(if: RealSystemd.isPossible, RealSystemd.whyNot))
struct `Enrolling under a real systemd` {
    @Test func `leaves the unlock key nowhere but in a credential that opens the daemon's vault`() async throws {
        let outcome = try await RealSystemd.run(
            #"""
            echo; echo "== first request"
            keyturn status
            echo "== modes"
            stat -c '%a %U %n' /etc/credstore.encrypted /etc/credstore.encrypted/keyturn.key /var/lib/keyturn /var/lib/keyturn/vault.db
            echo "== plaintext"
            systemd-creds decrypt --name=keyturn.key /etc/credstore.encrypted/keyturn.key /dev/shm/key
            cp /dev/shm/key /var/lib/planted
            python3 -c 'import os, time
            key = open("/dev/shm/key", "rb").read()
            print(len(key), "bytes")
            for top in ("/etc", "/root", "/run", "/var"):
                for folder, _, files in os.walk(top):
                    for name in files:
                        path = os.path.join(folder, name)
                        if os.path.isfile(path) and os.stat(path).st_mtime > time.time() - 900 and key in open(path, "rb").read(): print("found in", path)'
            """#)
        #expect(outcome["first request"].contains("unsealed"), "\(outcome.output)")
        #expect(
            outcome["modes"] == """
                700 root /etc/credstore.encrypted
                600 root /etc/credstore.encrypted/keyturn.key
                700 keyturn /var/lib/keyturn
                600 keyturn /var/lib/keyturn/vault.db
                """)
        // Where systemd put it for the daemon alone, and where the test did.
        let found = outcome["plaintext"].split(separator: "\n").filter { !$0.contains("/run/credentials/keyturnd.service/") }
        #expect(found == ["32 bytes", "found in /var/lib/planted"], "\(outcome.output)")
    }

    @Test func `overwrites nothing, says the way on, and takes back its credential where the vault can't be made`() async throws {
        let outcome = try await RealSystemd.run(
            #"""
            kept=$(md5sum /etc/credstore.encrypted/keyturn.key)
            echo; echo "== vault there"
            keyturn init --systemd-credential; echo "ended with $?"
            echo "== broken off before the vault"
            rm -r /var/lib/keyturn
            keyturn init --systemd-credential 2>&1 | tee /dev/shm/said; echo "ended with ${PIPESTATUS[0]}"
            [ "$kept" = "$(md5sum /etc/credstore.encrypted/keyturn.key)" ] && echo "the credential is as it was"
            echo "== the way on"
            $(sed -n 's/^  try: //p' /dev/shm/said)
            keyturn init --systemd-credential --key-file /root/copy.key; echo "ended with $?"
            systemctl restart keyturnd.service; keyturn status
            systemd-creds decrypt --name=keyturn.key /etc/credstore.encrypted/keyturn.key - | cmp - /root/copy.key && echo "the copy is the key"
            echo "== no room for the vault"
            systemctl stop keyturnd.service keyturnd.socket
            rm -r /var/lib/keyturn /etc/credstore.encrypted/keyturn.key
            mkdir -p /srv/full && mount -t tmpfs -o size=4k tmpfs /srv/full
            keyturn init --systemd-credential --vault /srv/full/vault; echo "ended with $?"
            ls /etc/credstore.encrypted/keyturn.key
            echo "== not root"
            log_in
            $user keyturn init --systemd-credential; echo "ended with $?"
            """#)
        #expect(
            outcome["vault there"].contains("nothing was overwritten") && outcome["vault there"].contains("ended with 1"),
            "\(outcome.output)")
        let broken = outcome["broken off before the vault"]
        #expect(broken.contains("nothing was overwritten") && broken.contains("ended with 1"), "\(outcome.output)")
        #expect(broken.contains("the credential is as it was"))
        let way = outcome["the way on"]
        #expect(way.contains("ended with 0") && way.contains("unsealed") && way.contains("the copy is the key"), "\(outcome.output)")
        let full = outcome["no room for the vault"]
        #expect(full.contains("ended with 1") && full.contains("No such file"), "\(outcome.output)")
        #expect(outcome["not root"].contains("is for root") && outcome["not root"].contains("ended with 2"), "\(outcome.output)")
    }

    private static let swtpm = "/usr/bin/swtpm"

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: swtpm), "skipped: there is no swtpm"))
    func `binds the key to the TPM, and the doctor knows when that is another one`() async throws {
        let device = "swtpm:host=127.0.0.1,port=27321"
        let outcome = try await RealSystemd.run(
            #"""
            export SYSTEMD_TPM2_DEVICE=\#(device)
            tpm() {
                rm -rf /run/tpm; mkdir /run/tpm
                swtpm socket --tpm2 --tpmstate dir=/run/tpm --server type=tcp,port=27321 --ctrl type=tcp,port=27322 \
                    --flags not-need-init,startup-clear --pid file=/run/tpm.pid --daemon
            }
            tpm
            rm -r /var/lib/keyturn /etc/credstore.encrypted/keyturn.key
            echo; echo "== enrolled"
            keyturn init --systemd-credential --with-key=tpm2; echo "ended with $?"
            keyturn status
            echo "== looked at"
            keyturn doctor
            echo "== another TPM"
            kill $(cat /run/tpm.pid)
            tpm
            systemctl stop keyturnd.service
            keyturn doctor; echo "ended with $?"
            """#, environment: ["SYSTEMD_TPM2_DEVICE": device])
        #expect(outcome["enrolled"].contains("ended with 0") && outcome["enrolled"].contains("unsealed"), "\(outcome.output)")
        #expect(!outcome["looked at"].contains("on the same disk") && !outcome["looked at"].contains("unlock-key"), "\(outcome.output)")
        #expect(
            outcome["another TPM"].contains("unlock-key-unusable") && outcome["another TPM"].contains("ended with 1"), "\(outcome.output)")
    }

    /// docs/install.md, "A plain credential".
    @Test func `makes a vault elsewhere, which the unit is then let write to`() async throws {
        let outcome = try await RealSystemd.run(
            #"""
            systemctl stop keyturnd.socket keyturnd.service
            rm -r /var/lib/keyturn/* /etc/credstore.encrypted/keyturn.key
            echo 'vault: /srv/keyturn' > /etc/keyturn/keyturn.yaml
            install -d -o keyturn -g keyturn -m 700 /srv/keyturn
            printf '[Service]\nReadWritePaths=/srv/keyturn\n' > /run/edit
            SYSTEMD_EDITOR="cp /run/edit" script -qec "systemctl edit keyturnd.service" /dev/null
            keyturn init --systemd-credential --vault /srv/keyturn
            systemctl start keyturnd.socket
            echo; echo "== elsewhere"
            keyturn config list; keyturn status | head -n 1
            ls /srv/keyturn/vault.db /var/lib/keyturn-counter/counter
            for unit in keyturn-rotate keyturn-backup; do systemctl start $unit.service; echo "$unit $?"; done
            keyturn doctor --json
            """#)
        let elsewhere = outcome["elsewhere"]
        #expect(elsewhere.contains("unsealed"), "\(outcome.output)")
        #expect(elsewhere.contains("/srv/keyturn/vault.db\n/var/lib/keyturn-counter/counter"), "\(outcome.output)")
        #expect(elsewhere.contains("keyturn-rotate 0\nkeyturn-backup 0"), "\(outcome.output)")
        #expect(!elsewhere.contains("vault-"), "\(outcome.output)")
    }

    @Test func `can do with a plain credential, and the doctor finds it`() async throws {
        let outcome = try await RealSystemd.run(
            #"""
            rm -r /var/lib/keyturn /etc/credstore.encrypted/keyturn.key; systemd-tmpfiles --create keyturn.conf
            echo; echo "== as the page says"
            install -d -m 700 /etc/credstore
            keyturn init --vault /var/lib/keyturn --key-file /etc/credstore/keyturn.key
            mkdir -p /etc/systemd/system/keyturnd.service.d
            printf '[Service]\nLoadCredentialEncrypted=\nLoadCredential=keyturn.key\n' > /etc/systemd/system/keyturnd.service.d/override.conf
            systemctl daemon-reload
            keyturn status
            echo "== looked at"
            keyturn doctor
            """#)
        #expect(outcome["as the page says"].contains("unsealed"), "\(outcome.output)")
        let seen = outcome["looked at"]
        #expect(seen.contains("/etc/credstore/keyturn.key lies in the open") && !seen.contains("unlock-key"), "\(outcome.output)")
    }
}
