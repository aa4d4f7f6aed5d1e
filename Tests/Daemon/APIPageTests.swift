import FlashbackStandIn
import Foundation
import TestProcesses
import Testing

/// docs/api.md in a shell, as a reader would try it.
@Suite(.timeLimit(.minutes(5))) struct `The page about the socket API` {
    private static let page = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/api.md")

    /// For all of it: it waits for a daemon that may not come.
    private static let secondsMax = 120

    /// What its reader needs besides Keyturn.
    private static let hasTools = shell("command -v curl jq && python3 -c 'import nacl'")

    @Test(.enabled(if: hasTools, "it takes curl, jq and PyNaCl")) func `shows what really comes of each of its commands`() async throws {
        let steps = try PageStep.all(in: String(contentsOf: Self.page, encoding: .utf8))
        try #require(steps.count > 15)
        var options = Options()
        options.certificate = .plainHTTP
        options.bearers = ["the-token-of-the-page"]
        let standIn = try await StandIn.start(options)
        standIn.addConfiguration(id: "remote-1", name: "openai")
        let folder = try PrivateFolder()
        defer { folder.remove() }
        let outputs = try await Self.run(steps, in: folder, against: standIn)
        await standIn.stop()
        #expect(outputs.count == steps.count, "it ended early")
        for (step, output) in zip(steps, outputs) {
            #expect(output.status == 0, "\(step.commands)\n\(output.text)")
            guard let expected = step.output else { continue }
            let isSame = PageOutput.matches(output.text, expected)
            #expect(isSame, "\(step.commands)\nThe page:\n\(expected)\nIt is:\n\(output.text)")
        }
    }

    private struct Output {
        let status: Int
        let text: String
    }

    private static func run(_ steps: [PageStep], in folder: PrivateFolder, against standIn: StandIn) async throws -> [Output] {
        let script = try folder.file("script", Array(script(for: steps, in: folder, at: standIn.baseURL).utf8))
        let (output, errors) = ("\(folder.path)/output", "\(folder.path)/errors")
        let shell = try ChildProcess(
            "/usr/bin/timeout", ["\(secondsMax)", "bash", script], environment: Programs.environment, output: output, errors: errors)
        // The stand-in refuses the key that the page has refused, when the page comes to it.
        while shell.ending == nil, !FileManager.default.fileExists(atPath: "\(folder.path)/refuse") {
            try await Task.sleep(for: .milliseconds(10))
        }
        standIn.order(.echoKey, for: .put)
        try folder.file("refused", [])
        _ = try await shell.ended()
        let text = String(decoding: FileManager.default.contents(atPath: output) ?? Data(), as: UTF8.self)
        return text.components(separatedBy: "\n@@@ ").dropFirst().compactMap { piece in
            let (head, rest) = (piece.prefix { $0 != "\n" }, piece.drop { $0 != "\n" }.dropFirst())
            guard head == "end" else { return nil }
            let lines = rest.split(separator: "\n")
            return Output(status: lines.last.flatMap { Int($0) } ?? -1, text: lines.dropLast().joined(separator: "\n"))
        }
    }

    private static func script(for steps: [PageStep], in folder: PrivateFolder, at baseURL: String) -> String {
        let programs = URL(filePath: Programs.keyturn).deletingLastPathComponent().path
        var script = """
            export PATH='\(programs)':"$PATH"
            mkdir '\(folder.path)/page' && cd '\(folder.path)/page'
            trap 'kill $(jobs -p) 2> /dev/null' EXIT

            """
        for step in steps {
            let commands = step.commands.replacing("http://127.0.0.1:8941", with: baseURL)
                .replacing("head -c 24 /dev/urandom | base64 > token.txt", with: "echo the-token-of-the-page > token.txt")
            if commands.contains("printf bad-") { script += "touch ../refuse; until [ -e ../refused ]; do sleep 0.1; done\n" }
            script += "printf '\\n@@@ end\\n'\n\(commands)\nprintf '\\n%s\\n' $?\n"
        }
        return script
    }

    private static func shell(_ line: String) -> Bool {
        let shell = Process()
        shell.executableURL = URL(filePath: "/bin/sh")
        shell.arguments = ["-c", line]
        shell.standardOutput = FileHandle.nullDevice
        shell.standardError = FileHandle.nullDevice
        try? shell.run()
        shell.waitUntilExit()
        return shell.terminationStatus == 0
    }
}

/// A block of commands, and the block after it where that shows what they print.
private struct PageStep {
    let commands: String
    let output: String?

    static func all(in page: String) -> [PageStep] {
        var blocks: [(language: String, text: String, follows: Bool)] = []
        var (open, isNext): ((language: String, lines: [Substring])?, Bool) = (nil, false)
        for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
            if let block = open {
                if line == "```" {
                    blocks.append((block.language, block.lines.joined(separator: "\n"), isNext))
                    (open, isNext) = (nil, true)
                } else {
                    open?.lines.append(line)
                }
            } else if line.hasPrefix("```") {
                open = (String(line.dropFirst(3)), [])
            } else if !line.isEmpty {
                isNext = false
            }
        }
        return blocks.indices.filter { blocks[$0].language == "sh" }.map { index in
            let next = blocks.dropFirst(index + 1).first
            return PageStep(commands: blocks[index].text, output: next?.language == "text" && next?.follows == true ? next?.text : nil)
        }
    }
}

/// What is printed, but for what differs each time.
private enum PageOutput {
    static func matches(_ text: String, _ expected: String) -> Bool {
        let parts = normal(expected).components(separatedBy: "…")
        let text = normal(text)
        guard text.hasPrefix(parts[0]), parts.count > 1 || text == parts[0] else { return false }
        var rest = text.dropFirst(parts[0].count)
        for part in parts.dropFirst().dropLast() {
            guard let found = rest.firstRange(of: part) else { return false }
            rest = rest[found.upperBound...]
        }
        return parts.count == 1 || rest.hasSuffix(parts[parts.count - 1])
    }

    private static func normal(_ text: String) -> String {
        text.replacing("\r\n", with: "\n").split(separator: "\n").joined(separator: "\n")
            .replacing(/\n?…\n?/, with: "…")
            .replacing(/[0-9A-HJKMNP-TV-Z]{26}/, with: "ROTATION")
            .replacing(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/, with: "TIME")
            .replacing(/\b[0-9a-f]{16}\b/, with: "HEX")
            .replacing(/"key":"[A-Za-z0-9+\/]{43}="/, with: "KEY")
            .replacing(/"encrypted_value":"[A-Za-z0-9+\/]{40}/, with: "BOX")
            .replacing(/http:\/\/127\.0\.0\.1:\d+/, with: "URL")
            .replacing(/"(pid|uid|gid)":\d+/, with: "ID")
            .replacing(/"groups":\[[\d,]*\]/, with: "GROUPS")
            .replacing(/"user":(null|"[^"]*")/, with: "USER")
    }
}
