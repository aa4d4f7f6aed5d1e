import Foundation

/// `manual-page PROGRAM SECTION DAY END` prints the man page of a program that is made with ArgumentParser, in mdoc(7): what its parser knows,
/// then the file END with the rest. ArgumentParser's own generate-manual can only be run as a plug-in of its own, and has no room for a rest.
@main
enum Entry {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard arguments.count == 4, let program = arguments.first else {
            FileHandle.standardError.write(Data("usage: manual-page PROGRAM SECTION DAY END\n".utf8))
            exit(2)
        }
        let help = try JSONDecoder().decode(DumpedHelp.self, from: dump(of: program))
        guard help.serializationVersion == 0 else { throw NewerHelp(version: help.serializationVersion) }
        var page = Page(of: help.command, section: arguments[2], day: arguments[3])
        let end = try String(contentsOf: URL(filePath: arguments[4]), encoding: .utf8)
        FileHandle.standardOutput.write(Data((page.render() + end).utf8))
    }

    struct NewerHelp: Error {
        let version: Int
    }

    private static func dump(of program: String) throws -> Data {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: program)
        process.arguments = ["--experimental-dump-help"]
        process.standardOutput = pipe
        try process.run()
        let bytes = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return bytes
    }
}
