import Glibc

/// One mapping of a process, as /proc/PID/smaps tells of it.
package struct Mapping: Sendable {
    package let range: Range<UInt>
    /// `rw-p`: readable, writable, not executable, private.
    package let permissions: String
    /// A file, a name in brackets, or nothing.
    package let path: String
    /// KiB that are locked.
    package fileprivate(set) var locked = 0
    /// Two letters each, see proc_pid_smaps(5): `dd` is left out of core dumps, `wf` is emptied after a fork, `lo` is locked.
    package fileprivate(set) var flags: Set<String> = []
    /// What libsodium gave out: see `guarding`.
    package fileprivate(set) var isGuarded = false

    package var isPrivate: Bool { permissions.hasSuffix("p") }

    /// Nobody may read it; what no other flag was given to lies between the pages of secrets.
    fileprivate var isBarrier: Bool { permissions.hasPrefix("---") && !flags.contains("dd") }

    package static func all(of pid: Int32) throws -> [Mapping] {
        let text = try ProcFile.read("/proc/\(pid)/smaps")
        var mappings: [Mapping] = []
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if let mapping = Mapping(line: line, words) {
                mappings.append(mapping)
            } else if words[0] == "Locked:" {
                mappings[mappings.count - 1].locked = Int(words[1]) ?? 0
            } else if words[0] == "VmFlags:" {
                mappings[mappings.count - 1].flags = Set(words.dropFirst().map(String.init))
            }
        }
        return guarding(mappings)
    }

    private init?(line: Substring, _ words: [Substring]) {
        let ends = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
        guard ends.count == 2, words.count >= 5 else { return nil }
        range = ends[0]..<ends[1]
        permissions = String(words[1])
        path = words.count > 5 ? words[5...].joined(separator: " ") : ""
    }

    /// sodium_malloc(3) maps a header, a page without access, the pages that it gives out, left out of core dumps, and another page without
    /// access, side by side. Whoever reads through /proc/PID/mem is kept out of none of them, and pages in use are readable for the process
    /// as well: so what tells them is that flag, and that there is no access on either side.
    private static func guarding(_ mappings: [Mapping]) -> [Mapping] {
        var mappings = mappings
        var start = 0
        while start < mappings.count {
            guard mappings[start].isDumpless else {
                start += 1
                continue
            }
            var end = start + 1
            while end < mappings.count, mappings[end].isDumpless, mappings[end].follows(mappings[end - 1]) { end += 1 }
            let hasBarriers =
                start > 0 && mappings[start - 1].isBarrier && mappings[start].follows(mappings[start - 1])
                && end < mappings.count && mappings[end].isBarrier && mappings[end].follows(mappings[end - 1])
            if hasBarriers { for index in start..<end { mappings[index].isGuarded = true } }
            start = end
        }
        return mappings
    }

    private var isDumpless: Bool { path.isEmpty && isPrivate && flags.contains("dd") }

    private func follows(_ other: Mapping) -> Bool { other.range.upperBound == range.lowerBound }
}

/// A file of /proc: such a one has no size, and gives what it has in pieces, of which Foundation takes the first for the whole.
enum ProcFile {
    struct Unreadable: Error {
        let path: String
        let code: Int32
    }

    static func read(_ path: String) throws -> String {
        // SAFETY: the path is a C string for the length of the call; the descriptor is closed below.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Unreadable(path: path, code: errno) }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            // SAFETY: the array has as many bytes as are asked for.
            let count = Glibc.read(descriptor, &piece, piece.count)
            guard count >= 0 else { throw Unreadable(path: path, code: errno) }
            guard count > 0 else { return String(decoding: content, as: UTF8.self) }
            content += piece[..<count]
        }
    }
}
