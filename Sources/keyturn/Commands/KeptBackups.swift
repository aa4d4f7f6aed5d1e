import FoundationEssentials
import Glibc
import Model

/// A folder with one backup for each time that one was made, of which the newest few are kept. Only files with names of this kind are looked at.
struct KeptBackups {
    let folder: String

    private static let prefix = "keyturn-"
    private static let suffix = ".backup"

    /// The first second that is free, should there be two backups in one.
    func freePath(at time: Timestamp) -> String {
        var time = time
        // SAFETY: the path is a C string for the length of the call.
        while access(path(at: time), F_OK) == 0 { time = time + .seconds(1) }
        return path(at: time)
    }

    /// Names sort by time: keyturn-2026-11-28T09:28:10Z.backup, the colons left out, which not every file system takes.
    private func path(at time: Timestamp) -> String {
        "\(folder)/\(Self.prefix)\("\(time)".filter { $0 != ":" })\(Self.suffix)"
    }

    /// Removes all but the newest `count`, and what writers that died have left behind; never `made`, whatever the clock said when the others
    /// were made. Returns what it removed.
    func prune(to count: Int, butNot made: String) throws(Failure) -> [String] {
        let paths = try names().map { "\(folder)/\($0)" }
        let others = paths.filter { $0.hasSuffix(Self.suffix) && $0 != made }.sorted(by: >)
        let removed = others.dropFirst(count - 1) + paths.filter(Self.isLeftBehind)
        for path in removed {
            // SAFETY: the path is a C string for the length of the call.
            guard unlink(path) == 0 || errno == ENOENT else {
                throw .failed("The backup was made, but the old one \(path) can't be removed: \(String(cString: strerror(errno))).")
            }
        }
        return Array(removed)
    }

    private func names() throws(Failure) -> [String] {
        do { return try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix(Self.prefix) } } catch {
            throw .failed("The folder \(folder) can't be read.")
        }
    }

    /// A draft whose writer's number, which `DraftFile` puts at its end, is no process's.
    private static func isLeftBehind(_ path: String) -> Bool {
        guard let match = path.firstMatch(of: #/\.backup\.part-([0-9]+)$/#), let pid = pid_t(match.1) else { return false }
        // SAFETY: the signal 0 only asks whether there is such a process.
        return kill(pid, 0) != 0 && errno == ESRCH
    }
}
