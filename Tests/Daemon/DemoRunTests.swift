import Foundation
import TestProcesses
import Testing

@Suite(.timeLimit(.minutes(5))) struct `The demo` {
    @Test func `tells the whole story with the real programs, ends well, and leaves nothing behind`() throws {
        let folder = try PrivateFolder()
        defer { folder.remove() }
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: Programs.keyturn)
        process.arguments = ["demo"]
        process.environment = Programs.environment.merging(["TMPDIR": folder.path]) { _, own in own }
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(text)")
        for command in ["init", "upstream set", "config set", "stage", "rotate", "history"] {
            #expect(text.contains("keyturn") && text.contains(command), "\(command): \(text)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
    }
}
