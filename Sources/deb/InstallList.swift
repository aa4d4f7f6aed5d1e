import Foundation
import Glibc

/// `debian/NAME.install`: what a package holds, and where, as dh_install(1) and dh-exec(1) read it. A line names a file or a pattern and the
/// folder that it goes to, or a file, `=>` and its name there.
struct InstallList {
    private let lines: [(sources: String, target: String, isFolder: Bool)]

    init(_ text: String) throws {
        lines = try text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let words = line.split(separator: " ").map(String.init)
            switch words.count {
            case 2: return (words[0], words[1], true)
            case 3 where words[1] == "=>": return (words[0], words[2], false)
            default: throw PackagingError("This says not what goes where: \(line)")
            }
        }
    }

    /// Copies all of it below `root`. A pattern may match nothing: there may be no file of that kind.
    func install(from folder: (String) -> URL, into root: URL) throws {
        for (sources, target, isFolder) in lines {
            let found = Self.files(matching: folder(sources).path)
            guard !found.isEmpty || sources.contains("*") else { throw PackagingError("There is no \(sources).") }
            for file in found {
                let place = root.appending(path: isFolder ? "\(target)/\(URL(filePath: file).lastPathComponent)" : target)
                try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
                try FileManager.default.copyItem(atPath: file, toPath: place.path)
            }
        }
    }

    private static func files(matching pattern: String) -> [String] {
        var found = glob_t()
        // SAFETY: the pattern is a C string for the length of the call; what `found` points to is freed below, after its last use.
        defer { globfree(&found) }
        guard glob(pattern, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
    }
}
