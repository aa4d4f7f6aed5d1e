import Foundation
import Glibc
import TestProcesses

/// A small disk in memory that only those see who enter its process's mounts. Gone with that process.
struct SmallDisk: Sendable {
    private let holder: ChildProcess
    private let folder: String

    /// A private mount takes root.
    static var isPossible: Bool { geteuid() == 0 }

    static let mebibytes = 16

    init(at folder: String, output: String) async throws {
        self.folder = folder
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        holder = try ChildProcess(
            "/usr/bin/env",
            [
                "unshare", "-m", "/bin/sh", "-c",
                "mount -t tmpfs -o size=\(Self.mebibytes)m,mode=0700 keyturn '\(folder)' && touch '\(folder)/ready' && exec sleep 3600",
            ], environment: Programs.environment, output: output, errors: output)
        let end = ContinuousClock.now + .seconds(20)
        while !FileManager.default.fileExists(atPath: "\(path)/ready") {
            guard holder.ending == nil, ContinuousClock.now < end else { throw CocoaError(.fileWriteUnknown) }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    var process: Int32 { holder.pid }

    /// The same folder as this process can reach it.
    var path: String { "/proc/\(holder.pid)/root\(folder)" }

    /// Takes all room but so many bytes.
    func fill(leaving rest: Int) {
        empty()
        let free = (try? FileManager.default.attributesOfFileSystem(forPath: path)[.systemFreeSize]) as? NSNumber
        guard let free else { return }
        _ = FileManager.default.createFile(atPath: "\(path)/ballast", contents: Data(count: max(0, free.intValue - rest)))
    }

    func empty() {
        unlink("\(path)/ballast")
    }

    func remove() async {
        holder.send(SIGKILL)
        _ = try? await holder.ended()
    }
}
