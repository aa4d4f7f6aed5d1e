import Foundation
import Glibc

/// What a process hands to the kernel to be written, to wherever, as strace(1) sees it. What goes to a TLS socket is ciphertext there.
package struct CallTrace: Sendable {
    private let strace: ChildProcess
    private let file: String

    package static let isPossible = FileManager.default.isExecutableFile(atPath: program) && geteuid() == 0
    package static let whyNot = "skipped: recording another process's system calls takes strace and root"
    private static let program = "/usr/bin/strace"
    private static let calls = "write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg,sendfile,splice,vmsplice"

    package struct NotAttached: Error {}

    /// Returns when all threads of the process are watched; new ones are, too.
    package init(of process: ChildProcess, in folder: PrivateFolder) async throws {
        file = "\(folder.path)/calls"
        strace = try ChildProcess(
            Self.program, ["-f", "-xx", "-s", "16777216", "-e", "trace=\(Self.calls)", "-o", file, "-p", String(process.pid)],
            environment: Programs.environment, output: "\(folder.path)/strace.log", errors: "\(folder.path)/strace.log")
        while try !Self.isWatched(process.pid) {
            guard strace.ending == nil else { throw NotAttached() }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private static func isWatched(_ pid: Int32) throws -> Bool {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task").allSatisfy { thread in
            guard let text = try? ProcFile.read("/proc/\(pid)/task/\(thread)/status") else { return true }
            return !text.contains("TracerPid:\t0\n")
        }
    }

    /// All bytes that were written, in the order of the calls; ends the watching.
    package func written() async throws -> [UInt8] {
        strace.send(SIGINT)
        _ = try await strace.ended()
        // Every string is one of hexadecimal escapes alone, `"\x7b\x22"`.
        return try ProcFile.read(file).split(separator: "\"").flatMap { text -> [UInt8] in
            guard text.hasPrefix("\\x") else { return [] }
            return text.split(separator: "\\x").compactMap { UInt8($0, radix: 16) }
        }
    }
}
