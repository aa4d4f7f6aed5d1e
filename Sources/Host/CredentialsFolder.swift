import Glibc

/// Where systemd put the credentials of `LoadCredential=` and its kin.
package enum CredentialsFolder {
    /// The path of a credential that was passed to this service; `nil` when it was not. It is not opened here.
    package static func path(of name: String) -> String? {
        // SAFETY: the answer is copied at once; nothing changes the environment while the daemon runs.
        guard let folder = getenv("CREDENTIALS_DIRECTORY").map({ String(cString: $0) }), !folder.isEmpty else { return nil }
        let path = "\(folder)/\(name)"
        // SAFETY: the path is a C string for the length of the call.
        return access(path, F_OK) == 0 ? path : nil
    }

    /// Whether systemd itself started this process, so that a credential can be expected: `$SYSTEMD_EXEC_PID`, systemd.exec(5). Passed on to
    /// other programs, the variable names their starter.
    package static var isOfService: Bool {
        // SAFETY: the answer is copied at once; nothing changes the environment while the daemon runs.
        getenv("SYSTEMD_EXEC_PID").map { String(cString: $0) } == "\(getpid())"
    }
}
