import CLinux
import FoundationEssentials
import Glibc

/// What this process uses of the machine, as proc(5) tells it.
package struct ProcessUse: Sendable {
    /// User and system time together.
    package let processorTime: Duration
    package let residentBytes: Int64
    package let virtualBytes: Int64
    package let openFiles: Int
    /// RLIMIT_NOFILE.
    package let openFilesMax: Int64
    /// By the machine's uptime: no clock setting moves it.
    package let age: Duration

    /// `nil` where there is no /proc to read.
    package static var now: ProcessUse? {
        guard let text = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8), let name = text.lastIndex(of: ")"),
            let files = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        else { return nil }
        // proc(5) counts from 1; what follows the program's name begins with the third.
        let fields = text[name...].split(separator: " ").dropFirst().compactMap { Int64($0) ?? 0 }
        func field(_ number: Int) -> Int64 { fields.count > number - 3 ? fields[number - 3] : 0 }
        // SAFETY: sysconf(3) only answers numbers.
        let (tick, page) = (sysconf(Int32(_SC_CLK_TCK)), sysconf(Int32(_SC_PAGESIZE)))
        func time(_ ticks: Int64) -> Duration { .milliseconds(ticks * 1000 / Int64(max(tick, 1))) }
        // SAFETY: reads a limit.
        let most = kt_open_files_limit()
        return ProcessUse(
            processorTime: time(field(14) + field(15)), residentBytes: field(24) * Int64(page), virtualBytes: field(23),
            // One of them is the listing's own.
            openFiles: max(0, files - 1), openFilesMax: most, age: Machine.uptime - time(field(22)))
    }
}
