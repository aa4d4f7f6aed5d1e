import Foundation
import Glibc

/// A folder whose content is on a small disk of its own, in a mount namespace that only the programs started `inside` it share.
package final class SmallDisk: Sendable {
    private let holder: ChildProcess
    private let path: String

    /// Mounting is root's affair.
    package static let isPossible = geteuid() == 0 && tools.allSatisfy { FileManager.default.isExecutableFile(atPath: $0) } && canUnshare
    private static let tools = ["/usr/bin/unshare", "/usr/bin/nsenter"]

    private static var canUnshare: Bool {
        let process = Process()
        process.executableURL = URL(filePath: tools[0])
        process.arguments = ["-m", "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    /// Puts a tmpfs with so many MiB over `path`, with what was there on it.
    package init(over path: String, mebibytes: Int, in folder: PrivateFolder) async throws {
        self.path = path
        let ready = "\(folder.path)/small-disk.ready"
        let script = """
            set -e
            mkdir -m 700 "$1.tmpfs"
            mount -t tmpfs -o size=\(mebibytes)m,mode=0700 none "$1.tmpfs"
            cp -a "$1/." "$1.tmpfs/"
            mount --move "$1.tmpfs" "$1"
            : > "$2"
            exec sleep 600
            """
        let log = "\(folder.path)/small-disk.log"
        holder = try ChildProcess(
            Self.tools[0], ["-m", "--propagation", "private", "sh", "-c", script, "sh", path, ready], environment: Programs.environment,
            output: log, errors: log)
        while !FileManager.default.fileExists(atPath: ready) {
            if holder.ending != nil {
                throw Failed(description: String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self))
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    package struct Failed: Error, CustomStringConvertible {
        package let description: String
    }

    /// Whoever sees this process's mounts sees the disk.
    package var process: Int32 { holder.pid }

    /// The folder as this process gets at it.
    package var root: String { "/proc/\(holder.pid)/root\(path)" }

    /// Takes all the room that is left, but for so many bytes.
    package func fill(leaving rest: Int = 0) throws {
        // SAFETY: the path is a C string for the length of the call; the descriptor is closed below.
        let file = open("\(root)/filler", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Failed(description: "filler: \(String(cString: strerror(errno)))") }
        defer { close(file) }
        let piece = [UInt8](repeating: 0, count: 4096)
        // SAFETY: the array has as many bytes as are said.
        while write(file, piece, piece.count) > 0 {}
        guard errno == ENOSPC else { throw Failed(description: "filler: \(String(cString: strerror(errno)))") }
        // SAFETY: the descriptor is ours.
        let size = lseek(file, 0, SEEK_END)
        guard rest == 0 || ftruncate(file, max(0, size - rest)) == 0 else {
            throw Failed(description: "filler: \(String(cString: strerror(errno)))")
        }
    }

    package func bytes(of file: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(root)/\(file)")
        return (attributes[.size] as? Int) ?? 0
    }

    package func makeRoom() {
        unlink("\(root)/filler")
    }

    package func remove() async throws {
        holder.send(SIGKILL)
        _ = try await holder.ended()
    }
}
