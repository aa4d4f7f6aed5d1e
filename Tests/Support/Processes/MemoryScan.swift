import Foundation
import Glibc

/// A search through all that a process has in memory, but for pages that are no more than a file's content.
package struct MemoryScan: Sendable {
    /// What was found in ordinary memory, and where.
    package private(set) var outside: [String] = []
    /// What was found in guarded pages.
    package private(set) var guarded: [String] = []
    package let mappings: [Mapping]
    package private(set) var bytesRead = 0

    /// Both programs may forbid others of their user to read their memory.
    package static let isPossible = geteuid() == 0
    package static let whyNot = "skipped: the memory of another process is read by root alone"

    package struct Failed: Error {
        let what: String
        let code: Int32
    }

    /// The process stands still meanwhile, so that nothing moves from where the search goes to where it was.
    package init(of process: ChildProcess, for search: CanarySearch) async throws {
        process.send(SIGSTOP)
        defer { process.send(SIGCONT) }
        while !(try Self.standsStill(process.pid)) { try await Task.sleep(for: .milliseconds(1)) }
        mappings = try Mapping.all(of: process.pid)
        let memory = try Self.open(process.pid, "mem")
        let pages = try Self.open(process.pid, "pagemap")
        defer {
            close(memory)
            close(pages)
        }
        for mapping in mappings {
            for range in try Self.held(mapping, pages) {
                guard let bytes = Self.read(range, from: memory) else { continue }
                bytesRead += bytes.count
                let found = search.found(in: bytes).map { what, offset in
                    "\(what) at \(String(range.lowerBound + UInt(offset), radix: 16)), \(mapping.permissions) \(mapping.path)"
                }
                if mapping.isGuarded { guarded += found } else { outside += found }
            }
        }
    }

    /// Each of its threads.
    private static func standsStill(_ pid: Int32) throws -> Bool {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task").allSatisfy { thread in
            // One that has ended meanwhile.
            guard let text = try? String(contentsOfFile: "/proc/\(pid)/task/\(thread)/stat", encoding: .utf8) else { return true }
            // After the name, which may hold anything.
            return text.split(separator: ")").last?.hasPrefix(" T") == true
        }
    }

    private static func open(_ pid: Int32, _ name: String) throws -> Int32 {
        // SAFETY: the path is a C string for the length of the call.
        let descriptor = Glibc.open("/proc/\(pid)/\(name)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failed(what: name, code: errno) }
        return descriptor
    }

    private static let pageBytes = UInt(sysconf(Int32(_SC_PAGESIZE)))

    /// What it holds, in memory or swapped out, see proc_pid_pagemap(5): most of a stack or an arena was never touched. Unchanged pages of a
    /// file hold the file.
    private static func held(_ mapping: Mapping, _ pages: Int32) throws -> [Range<UInt>] {
        let count = Int((mapping.range.upperBound - mapping.range.lowerBound) / pageBytes)
        var entries = [UInt64](repeating: 0, count: count)
        // The kernel's own pages lie beyond what an offset can say.
        guard let offset = Int(exactly: mapping.range.lowerBound / pageBytes * 8) else { return [] }
        // SAFETY: the array has as many bytes as are asked for.
        let size = entries.withUnsafeMutableBytes { pread(pages, $0.baseAddress, $0.count, offset) }
        guard size == count * 8 else { return [] }
        var ranges: [Range<UInt>] = []
        for (index, entry) in entries.enumerated() where entry >> 62 != 0 && !(mapping.isPrivate && entry >> 61 & 1 == 1) {
            let start = mapping.range.lowerBound + UInt(index) * pageBytes
            if let last = ranges.last, last.upperBound == start {
                ranges[ranges.count - 1] = last.lowerBound..<start + pageBytes
            } else {
                ranges.append(start..<start + pageBytes)
            }
        }
        return ranges
    }

    /// `nil` where not even root may read: what the kernel maps itself.
    private static func read(_ range: Range<UInt>, from memory: Int32) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: Int(range.upperBound - range.lowerBound))
        guard let start = Int(exactly: range.lowerBound) else { return nil }
        // SAFETY: the array has as many bytes as are asked for.
        let count = bytes.withUnsafeMutableBytes { pread(memory, $0.baseAddress, $0.count, start) }
        return count == bytes.count ? bytes : nil
    }
}
