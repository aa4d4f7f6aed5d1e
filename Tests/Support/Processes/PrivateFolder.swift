import Foundation

/// A folder of a test's own, for its user only, with a path short enough for a socket (108 bytes).
package struct PrivateFolder: Sendable {
    package let path: String

    /// `parent`: where memory is the disk, what is written often costs nothing.
    package init(in parent: String = "/tmp") throws {
        path = "\(parent)/kt-\(UUID().uuidString.prefix(8).lowercased())"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    }

    package func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Writes a file, for its owner only, and gives its path.
    @discardableResult
    package func file(_ name: String, _ content: [UInt8]) throws -> String {
        let file = "\(path)/\(name)"
        guard FileManager.default.createFile(atPath: file, contents: Data(content), attributes: [.posixPermissions: 0o600]) else {
            throw CocoaError(.fileWriteUnknown)
        }
        return file
    }

    /// All files in it, by their path inside it.
    package func files() -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for case let name as String in FileManager.default.enumerator(atPath: path) ?? .init() {
            guard let content = FileManager.default.contents(atPath: "\(path)/\(name)") else { continue }
            files[name] = Array(content)
        }
        return files
    }
}
