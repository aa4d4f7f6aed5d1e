import ArgumentParser
import Glibc

/// What the commands share that store the unlock key as a credential of this machine.
struct CredentialBinding: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What the credential is encrypted by: host, tpm2, host+tpm2, or auto: by the TPM as well where there is one.", valueName: "kind"
        ))
    var withKey: String?

    func credential(in environment: [String: String]) throws(Failure) -> SystemdCredential {
        guard let binding = SystemdCredential.Binding(rawValue: withKey ?? "auto") else {
            throw .usage("--with-key must be \(SystemdCredential.Binding.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
        // SAFETY: no arguments, can't fail.
        guard geteuid() == 0 else { throw .usage("--systemd-credential is for root, who alone may write to /etc.") }
        return SystemdCredential(binding, environment: environment)
    }
}
