import FoundationEssentials

/// A folder of a test's own with a path short enough for a socket (108 bytes).
package struct ThrowawayFolder: Sendable {
    package let path: String

    package init() throws {
        path = "/tmp/kt-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    }

    package func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Writes a file and gives its path.
    package func file(_ name: String, _ content: String) throws -> String {
        let file = "\(path)/\(name)"
        try Data(content.utf8).write(to: URL(filePath: file))
        return file
    }
}
