import Foundation
import Testing

@Suite struct `The systemd units` {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "systemd")
    private static let userFolder = folder.appending(path: "user")
    private static let analyze = "/usr/bin/systemd-analyze"
    private static let kinds: Set<String> = ["service", "socket", "timer", "target"]

    /// systemd-analyze exits 0 on unknown keys, so that its silence is what counts. Both executables are stood in for, and templates get an instance.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: analyze)), arguments: [(folder, "--system"), (userFolder, "--user")])
    func `are accepted without a word`(_ folder: URL, _ manager: String) throws {
        let copies = FileManager.default.temporaryDirectory.appending(path: "kt-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: copies, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: copies) }
        let paths = try Self.units(in: folder).map { unit in
            let text = try String(contentsOf: unit, encoding: .utf8)
                .replacing(/\/usr\/bin\/keyturnd?\b/, with: "/usr/bin/true")
            let copy = copies.appending(path: unit.lastPathComponent.replacing("@.", with: "@openai-prod."))
            try Data(text.utf8).write(to: copy)
            return copy.path
        }
        let words = try Self.output(of: Self.analyze, ["verify", "--man=no", manager] + paths, runtimeFolder: copies)
        #expect(words == "")
    }

    @Test func `start nothing but Keyturn`() throws {
        for unit in try Self.units(in: Self.folder) + Self.units(in: Self.userFolder) {
            let starts = try Self.lines(of: unit).filter { $0.hasPrefix("ExecStart=") }
            #expect(starts.allSatisfy { $0.contains(/^ExecStart=\/usr\/bin\/keyturnd?( |$)/) }, "\(unit.lastPathComponent)")
            #expect(starts.isEmpty == (unit.pathExtension != "service"), "\(unit.lastPathComponent)")
        }
    }

    /// Under these the kernel and PID 1 can't say who calls: design.md section 10.
    @Test func `don't blind the daemon to its callers`() throws {
        let lines = try Self.lines(of: Self.folder.appending(path: "keyturnd.service"))
        #expect(!lines.contains { $0.hasPrefix("PrivateUsers=") || $0.hasPrefix("PrivatePIDs=") })
    }

    /// What the timers may do is a matter of their units' names: they are nobody else.
    @Test func `run the timers' commands as nobody in particular`() throws {
        for name in ["keyturn-rotate.service", "keyturn-rotate@.service", "keyturn-backup.service"] {
            let lines = try Self.lines(of: Self.folder.appending(path: name))
            #expect(lines.contains("DynamicUser=yes") && lines.contains("SupplementaryGroups=keyturn"), "\(name)")
            #expect(!lines.contains { $0.hasPrefix("User=") }, "\(name)")
        }
    }

    @Test func `take "nothing to do" for a success, and no restart for what it can't mend`() throws {
        for name in ["keyturn-rotate.service", "keyturn-rotate@.service"] {
            #expect(try Self.lines(of: Self.folder.appending(path: name)).contains("SuccessExitStatus=5"), "\(name)")
        }
        #expect(try Self.lines(of: Self.folder.appending(path: "keyturnd.service")).contains("RestartPreventExitStatus=78"))
    }

    private static func units(in folder: URL) throws -> [URL] {
        let found = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return found.filter { kinds.contains($0.pathExtension) }.sorted { $0.path < $1.path }
    }

    private static func lines(of unit: URL) throws -> [String] {
        try String(contentsOf: unit, encoding: .utf8).components(separatedBy: "\n")
    }

    private static func output(of program: String, _ arguments: [String], runtimeFolder: URL) throws -> String {
        let process = Process()
        process.environment = ["XDG_RUNTIME_DIR": runtimeFolder.path, "HOME": runtimeFolder.path, "PATH": "/usr/bin:/bin"]
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let bytes = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: bytes, as: UTF8.self) + (process.terminationStatus == 0 ? "" : "exit status \(process.terminationStatus)")
    }
}
