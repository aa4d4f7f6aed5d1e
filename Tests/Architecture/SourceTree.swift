import Foundation

/// The repository as it lies on disk.
enum SourceTree {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// All files below a folder whose names end so, in order.
    static func files(below folder: String, ending ends: Set<String>) throws -> [SourceFile] {
        let base = root.appending(path: folder)
        let names = try FileManager.default.subpathsOfDirectory(atPath: base.path).sorted()
        return try names.filter { ends.contains(URL(filePath: $0).pathExtension) }.map { name in
            SourceFile(
                path: "\(folder)/\(name)", module: String(name.split(separator: "/")[0]),
                lines: try String(contentsOf: base.appending(path: name), encoding: .utf8).components(separatedBy: "\n"))
        }
    }
}

struct SourceFile {
    /// From the repository's root.
    let path: String
    /// The folder below `Sources` or `Tests` that it is in.
    let module: String
    let lines: [String]

    var name: String { URL(filePath: path).deletingPathExtension().lastPathComponent }

    /// The modules that it imports, each with the number of its line.
    var imports: [(module: String, line: Int)] {
        lines.enumerated().compactMap { index, line in
            let words = line.split(separator: " ")
            guard let position = words.firstIndex(of: "import"), position + 1 < words.count,
                words[..<position].allSatisfy({ Self.levels.contains(String($0)) || $0.hasPrefix("@") })
            else { return nil }
            // `import struct Module.Name`
            let named =
                Self.kinds.contains(String(words[position + 1])) && position + 2 < words.count ? words[position + 2] : words[position + 1]
            return (String(named.split(separator: ".")[0]), index + 1)
        }
    }

    private static let levels: Set<String> = ["public", "package", "internal", "fileprivate", "private"]
    private static let kinds: Set<String> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
}
