import Foundation

/// `debian/NAME.links`: the symbolic links of a package, as dh_link(1) reads them. A line names what is there, and the link to it.
struct LinkList {
    private let lines: [(target: [String], link: [String])]

    init(_ text: String) throws {
        lines = try text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let words = line.split(separator: " ").map { $0.split(separator: "/").map(String.init) }
            guard words.count == 2 else { throw PackagingError("This says not what is linked to what: \(line)") }
            return (words[0], words[1])
        }
    }

    /// Relative ones, as Policy 10.5 wants them within a folder of the root.
    func make(in root: URL) throws {
        for (target, link) in lines {
            let shared = zip(target, link).prefix { $0 == $1 }.count
            let way = Array(repeating: "..", count: link.count - shared - 1) + target.dropFirst(shared)
            let place = root.appending(path: link.joined(separator: "/"))
            try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(atPath: place.path, withDestinationPath: way.joined(separator: "/"))
        }
    }
}
