package import Model

/// Why the vault can't be opened, read or written.
package enum VaultError: Error, Equatable {
    /// `making`: what makes one there, where the place has a command of its own.
    case missing(path: String, making: String? = nil)
    /// Something that outlives a vault, and says that there was one.
    case lost(path: String, trace: String)
    case exists(path: String)
    /// Nothing can be moved there as a whole.
    case mountPoint(path: String)
    case tooOpen(path: String, mode: String)
    case wrongOwner(path: String, uid: UInt32, mustBe: UInt32)
    case inUse(path: String)
    case notAVault(path: String)
    case newer(format: Int)
    /// No slot opens with the key that was given.
    case wrongKey
    case noKey(String)
    /// The unlock key that systemd passes, or should, at the daemon's start.
    case badCredential(name: String, String)
    /// There is no key file that could open it.
    case awaitsPassphrase
    /// Nor a passphrase.
    case awaitsRecoveryKey
    case badKeyFile(path: String, String)
    /// A record that is not what was sealed in its place; names the kind.
    case damaged(kind: String)
    /// What holds the records is damaged below them, or in part not there.
    case damagedDatabase(String)
    /// Each record is genuine, but together they are not those of the last commit.
    case altered
    /// An earlier copy of the vault than the one that was in use.
    case older(counter: Int64, mirror: Int64)
    /// Nothing says whether it is an earlier copy.
    case noMirror(String)
    case sealed
    case diskFull
    case failed(String)

    package var code: String {
        switch self {
        case .missing, .lost: "vault-missing"
        case .exists: "vault-exists"
        case .mountPoint: "mount-point"
        case .tooOpen: "vault-too-open"
        case .wrongOwner: "vault-wrong-owner"
        case .inUse: "vault-in-use"
        case .notAVault: "not-a-vault"
        case .newer: "vault-newer"
        case .wrongKey: "wrong-key"
        case .noKey: "no-key"
        case .badCredential: "bad-credential"
        case .awaitsPassphrase: "awaits-passphrase"
        case .awaitsRecoveryKey: "awaits-recovery-key"
        case .badKeyFile: "bad-key-file"
        case .damaged, .damagedDatabase: "vault-damaged"
        case .altered: "vault-altered"
        case .older, .noMirror: "vault-older"
        case .sealed: "sealed"
        case .diskFull: "disk-full"
        case .failed: "store-failed"
        }
    }

    package var detail: String {
        switch self {
        case .missing(let path, _): "There is no vault at \(path)."
        case .lost(let path, let trace): "There is no vault at \(path) any more: \(trace) is still there."
        case .exists(let path):
            "There is something at \(path) already; nothing was overwritten. Choose another folder, or use the vault that is there."
        case .mountPoint(let path):
            "\(path) is where a disk is mounted, and a vault comes to its place as a whole. Choose a folder below it."
        case .tooOpen(let path, let mode): "\(path) has mode \(mode), so that others can get at it."
        case .wrongOwner(let path, let uid, let own): "\(path) belongs to uid \(uid), not to uid \(own), the user of this process."
        case .inUse(let path): "Another process uses the vault at \(path)."
        case .notAVault(let path): "\(path) is not a vault, or is too damaged to tell."
        case .newer(let format): "The vault has format \(format), which is newer than this version of Keyturn."
        case .wrongKey: "The unlock key does not open this vault."
        case .noKey(let why): "There is no unlock key: \(why)."
        case .badCredential(let name, let why): "systemd's credential '\(name)' can't be used: \(why)."
        case .awaitsPassphrase: "The vault opens with a passphrase."
        case .awaitsRecoveryKey: "The vault opens with a recovery key alone."
        case .badKeyFile(let path, let why): "The key file \(path) can't be used: \(why)."
        case .damaged(let kind): "A record of kind '\(kind)' is not what was sealed in its place: it was changed, moved or cut."
        case .damagedDatabase(let why): "The vault's database is damaged: \(why)."
        case .altered:
            "The vault was altered behind the daemon's back: a record was put back as it had been before, or removed, or a foreign one added."
        case .older(let counter, let mirror):
            "This is an older copy of the vault: it has seen \(counter) commits, and the one in use before had seen \(mirror). Keys that were put since are missing in it."
        case .noMirror(let why):
            "It can't be told whether this is an older copy of the vault: \(why)."
        case .sealed: "The vault was sealed by hand (keyturn seal)."
        case .diskFull: "The disk that holds the vault is full."
        case .failed(let why): "The vault could not be read or written: \(why)."
        }
    }

    /// What somebody has to see to first, where the next step alone does not help; a sentence.
    private var advice: String? {
        switch self {
        case .missing:
            "If there was one, look why it is gone (a disk that is not mounted?), or restore a backup in its place. It is looked at again by itself, within a minute."
        case .lost:
            "Look why it is gone (a disk that is not mounted?), or restore a backup in its place; a new one would be empty. It is looked at again by itself, within a minute."
        case .tooOpen: "It is looked at again by itself, within a minute."
        case .wrongOwner: "Only root can change that; it is looked at again by itself, within a minute."
        case .inUse: "Stop the other one; this vault then opens by itself."
        case .notAVault, .damaged, .damagedDatabase, .altered: "Stop the daemon, move the folder aside and restore a backup in its place."
        case .newer: "Install the newer version of Keyturn again."
        case .wrongKey, .noKey, .badKeyFile: "Put the right key file in its place first, or unseal with a passphrase or a recovery key."
        case .badCredential(let name, _):
            "Put the right one in its place first (systemd-creds encrypt --name=\(name)), or unseal with a passphrase or a recovery key."
        case .diskFull: "Make room on it; what is waiting goes on by itself."
        case .failed: "Look after the disk and the vault's folder; it is tried again by itself."
        case .awaitsRecoveryKey: "'keyturn unseal --recovery' with the file that 'keyturn recovery-key' made opens it."
        case .exists, .mountPoint, .awaitsPassphrase, .older, .noMirror, .sealed: nil
        }
    }

    /// What is wrong, and what has to be seen to before the next step.
    package var explanation: String { advice.map { "\(detail) \($0)" } ?? detail }

    /// A command that works when pasted into a shell.
    package var nextStep: String {
        switch self {
        case .missing(let path, let making): making ?? "keyturn init --vault \(ShellWord.quoted(path))"
        case .exists(let path): "ls -ld \(ShellWord.quoted(path))"
        case .mountPoint(let path): "df -h \(ShellWord.quoted(path))"
        case .tooOpen(let path, _): "chmod go= \(ShellWord.quoted(path))"
        case .wrongOwner(let path, _, let own): "chown -R \(own) \(ShellWord.quoted(path))"
        case .inUse: "pgrep -a keyturnd"
        case .older, .noMirror: "keyturn unseal --accept-older"
        case .lost, .notAVault, .damaged, .damagedDatabase, .altered: "keyturn help restore"
        case .newer: "keyturn version"
        case .wrongKey, .noKey, .badKeyFile, .sealed: "keyturn unseal"
        case .badCredential: "systemctl restart keyturnd.service"
        case .awaitsPassphrase: "keyturn unseal --passphrase"
        case .awaitsRecoveryKey: "keyturn help unseal"
        case .diskFull: "df -h"
        case .failed: "journalctl -k"
        }
    }

    /// Whether it may pass without a word to the daemon, so that trying again makes sense.
    package var mayPass: Bool {
        switch self {
        case .inUse, .diskFull, .failed, .missing, .lost, .tooOpen, .wrongOwner: true
        case .exists, .mountPoint, .notAVault, .newer, .wrongKey, .noKey, .badCredential, .awaitsPassphrase, .awaitsRecoveryKey,
            .badKeyFile, .damaged,
            .damagedDatabase, .altered, .older, .noMirror, .sealed:
            false
        }
    }

    /// As an answer to a request.
    package var problem: Problem {
        switch self {
        case .sealed, .missing, .lost, .tooOpen, .wrongOwner, .inUse, .notAVault, .newer, .wrongKey, .noKey, .badCredential,
            .awaitsPassphrase,
            .awaitsRecoveryKey,
            .badKeyFile:
            Problem(.sealed, explanation, nextStep: nextStep)
        case .older, .noMirror: Problem(.vaultOlder, explanation, nextStep: nextStep)
        case .altered: Problem(.vaultAltered, explanation, nextStep: nextStep)
        case .diskFull: Problem(.diskFull, explanation, nextStep: nextStep)
        case .damaged, .damagedDatabase, .failed, .exists, .mountPoint: Problem(.storeFailed, explanation, nextStep: nextStep)
        }
    }

    package init(_ error: EngineError) {
        switch error {
        case .conflict: self = .failed("another process changed a record at the same time")
        case .diskFull: self = .diskFull
        case .damaged(let why): self = .damagedDatabase(why)
        case .failed(let why): self = .failed(why)
        }
    }
}
