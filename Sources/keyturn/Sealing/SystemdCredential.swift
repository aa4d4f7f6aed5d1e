import FoundationEssentials
import Glibc
import Model
import Secrets
import Vault

/// The vault's unlock key as a credential that only this machine can open: systemd-creds(1). `keyturnd.service` loads it by its name.
struct SystemdCredential {
    /// Where systemd looks for it first, see LoadCredentialEncrypted= in systemd.exec(5).
    static let path = "\(folder)/\(name)"
    /// It is sealed into it: under another name it does not open.
    static let name = "keyturn.key"
    private static let folder = "/etc/credstore.encrypted"

    let creds: SystemProgram
    let binding: Binding

    init(_ binding: Binding, environment: [String: String]) {
        creds = SystemProgram(path: "/usr/bin/systemd-creds", environment: environment)
        self.binding = binding
    }

    /// What it is encrypted by, as systemd-creds names it. Its `null` is left out: that protects from nobody.
    enum Binding: String, CaseIterable {
        /// The TPM together with the host's key where there is a TPM, else the host's key.
        case auto
        case host, tpm2
        case hostAndTPM2 = "host+tpm2"
    }

    func requireFree() throws(Failure) {
        // SAFETY: the path is a C string for the length of the call.
        guard access(Self.path, F_OK) != 0 else { throw Self.exists }
    }

    private static let exists = Failure.failed(
        "There is a credential \(path) already; nothing was overwritten. If a vault opens with it, restore that one in its place; if none does, or 'init' was broken off, move it aside and say it again.",
        nextStep: "mv \(path) \(path).old")

    /// Encrypts and stores it durably. The key itself goes through a pipe alone.
    func store(_ key: borrowing Secret) async throws(Failure) {
        guard LocalFile.isExecutable(creds.path) else {
            throw .failed(
                "There is no \(creds.path) to encrypt the unlock key with; it comes with systemd 250. Keep the key in a file: --key-file.")
        }
        let run = try await creds.run(
            ["encrypt", "--name=\(Self.name)", "--with-key=\(binding.rawValue)", "-", "-"], input: .secret(key.clone()))
        guard run.status == 0, !run.output.isEmpty else { throw .failed("systemd-creds does not encrypt the unlock key: \(run.complaint)") }
        // SAFETY: the path is a C string for the length of the call.
        guard mkdir(Self.folder, 0o700) == 0 || errno == EEXIST else {
            throw .failed("\(Self.folder) can't be made: \(String(cString: strerror(errno))).")
        }
        do throws(FileError) {
            let file = try DraftFile(of: Self.path, ending: "new-\(getpid())")
            try file.write(run.output)
            try file.publish(.new)
        } catch {
            throw error.isTaken ? Self.exists : .failed("\(error.path) can't be written: \(error.reason).")
        }
    }

    /// One that `store` has just made.
    func remove() {
        // SAFETY: the path is a C string for the length of the call.
        unlink(Self.path)
    }

    /// The key in one, as far as it opens on this machine: only where the run ended well.
    func decrypt(_ path: String) async throws(Failure) -> SystemProgram.SecretRun {
        try await creds.runForSecret(["decrypt", "--name=\(Self.name)", path, "-"])
    }
}

/// How much an encrypted credential withstands who copies the disk: the first 16 bytes tell what it is encrypted by (creds-util.h of systemd).
enum CredentialStrength {
    /// The host's key lies on the same disk.
    case diskAlone
    case boundToTPM

    init?(ofCredential text: [UInt8]) {
        let encoded = String(decoding: text.filter { $0 > 0x20 }, as: UTF8.self)
        guard let bytes = Data(base64Encoded: encoded), bytes.count > 16 else { return nil }
        let byHost: [UInt8] = [0x5A, 0x1C, 0x6A, 0x86, 0xDF, 0x9D, 0x40, 0x96, 0xB1, 0xD5, 0xA6, 0x5E, 0x08, 0x62, 0xF1, 0x9A]
        let byNothing: [UInt8] = [0x05, 0x84, 0x69, 0xDA, 0xF6, 0xF5, 0x43, 0x24, 0x80, 0x05, 0x49, 0xDA, 0x0F, 0x8E, 0xA2, 0xFB]
        let id = Array(bytes.prefix(16))
        self = id == byHost || id == byNothing ? .diskAlone : .boundToTPM
    }
}
