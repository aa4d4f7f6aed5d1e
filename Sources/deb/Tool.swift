import Foundation

/// A program that the packages are made with, as it is found on the PATH.
struct Tool {
    private let program: String
    private let folder: URL
    private let environment: [String: String]

    /// All come with `dpkg-dev` and what that depends on.
    private static let needed = [
        "dpkg", "dpkg-deb", "dpkg-gencontrol", "dpkg-parsechangelog", "dpkg-shlibdeps", "gzip", "md5sum", "strip",
    ]

    static func requireAll() throws {
        let folders = ProcessInfo.processInfo.environment["PATH", default: ""].split(separator: ":")
        let missing = needed.filter { name in !folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") } }
        guard missing.isEmpty else {
            throw PackagingError("Not there: \(missing.joined(separator: ", ")). On Debian: sudo apt-get install dpkg-dev")
        }
    }

    init(_ program: String, in folder: URL, environment: [String: String] = [:]) {
        self.program = program
        self.folder = folder
        self.environment = environment
    }

    /// What it prints, without the line's end. What it complains of goes to standard error.
    @discardableResult
    func run(_ arguments: String...) throws -> String { try run(arguments) }

    @discardableResult
    func run(_ arguments: [String]) throws -> String {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.currentDirectoryURL = folder
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, given in given }
        process.standardOutput = pipe
        try process.run()
        let bytes = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw PackagingError("\(([program] + arguments).joined(separator: " ")) ended with \(process.terminationStatus).")
        }
        return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .newlines)
    }
}
