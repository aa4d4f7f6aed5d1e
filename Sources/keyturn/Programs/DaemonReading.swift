import Glibc
import Model
import Settings

/// Whether the system's daemon can read a file that root can.
struct DaemonReading {
    private let reader: ReadingUser
    private let environment: [String: String]

    /// `nil` where there is no user for the daemon.
    init?(environment: [String: String]) {
        guard let reader = ReadingUser(named: "keyturn") else { return nil }
        self.reader = reader
        self.environment = environment
    }

    /// What is in its way, and what takes it away.
    struct Obstacle {
        let reason: String
        let nextStep: String
    }

    func obstacle(to path: String) async -> Obstacle? {
        guard let found = reader.obstacle(to: path), await !isReadable(path, isFolder: found.path == path && found.missing.contains("x"))
        else { return nil }
        let verb = found.missing.contains("x") ? "look into" : "read"
        return Obstacle(
            reason: "\(found.path) has mode 0\(String(found.mode, radix: 8)): the daemon's user '\(reader.name)' can't \(verb) it.",
            nextStep: "chmod \(found.missing) \(ShellWord.quoted(found.path))")
    }

    /// By an access list (acl(5)), which the mode does not tell of: the kernel is asked, where this user may ask for another.
    private func isReadable(_ path: String, isFolder: Bool) async -> Bool {
        // SAFETY: no arguments, can't fail.
        guard geteuid() == 0 else { return false }
        let asUser =
            ["--reuid", reader.name, "--regid", reader.name, "--init-groups", "/usr/bin/test", "-r", path]
            + (isFolder ? ["-a", "-x", path] : [])
        return (try? await SystemProgram(path: "/usr/bin/setpriv", environment: environment).run(asUser))?.status == 0
    }
}
