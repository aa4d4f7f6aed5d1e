import Foundation
import Testing

@Suite struct `The source tree` {
    @Test func `imports along the design's arrows only`() throws {
        let wrong = try SourceTree.files(below: "Sources", ending: ["swift"]).flatMap { file in
            file.imports.filter { !ImportRules.mayImport(file.module, $0.module) }
                .map { "\(file.path):\($0.line): \(file.module) must not import \($0.module)" }
        }
        #expect(wrong.isEmpty, "\(list(wrong))")
    }

    @Test func `has a rule for every module, and a module for every rule`() throws {
        let modules = Set(try SourceTree.files(below: "Sources", ending: ["swift"]).map(\.module))
        #expect(modules == ImportRules.modules)
    }

    @Test func `has no file over 400 lines`() throws {
        let long = try everything().filter { $0.lines.count > 401 }.map { "\($0.path): \($0.lines.count - 1) lines" }
        #expect(long.isEmpty, "\(list(long))")
    }

    @Test func `says why each unsafe thing is safe`() throws {
        let bare = try SourceTree.files(below: "Sources", ending: ["swift"]).flatMap { file in
            file.lines.indices.filter { Self.isUnsafe(file.lines[$0]) }
                .filter { line in !file.lines[max(0, line - 6)...line].contains { $0.contains("// SAFETY:") } }
                .map { "\(file.path):\($0 + 1): no '// SAFETY:' within the 6 lines above" }
        }
        #expect(bare.isEmpty, "\(list(bare))")
    }

    @Test func `has no file whose concept has no name yet`() throws {
        let vague: Set<String> = ["Utils", "Utilities", "Helpers", "Common", "Extensions", "Placeholder"]
        let found = try everything().filter { vague.contains($0.name) }.map(\.path)
        #expect(found.isEmpty, "\(list(found))")
    }

    @Test func `compares a MAC, as anything that only its owner can make, in constant time`() throws {
        let quick = try SourceTree.files(below: "Sources", ending: ["swift"]).flatMap { file in
            file.lines.indices.filter { Self.comparesMAC(file.lines[$0]) }
                .map { "\(file.path):\($0 + 1): ConstantTime.equal compares MACs" }
        }
        #expect(quick.isEmpty, "\(list(quick))")
    }

    @Test func `prints in no library`() throws {
        let printing = try SourceTree.files(below: "Sources", ending: ["swift"]).filter { $0.module.first?.isUppercase == true }
            .flatMap { file in
                file.lines.indices.filter { Self.prints(file.lines[$0]) }.map { "\(file.path):\($0 + 1): a library does not print" }
            }
        #expect(printing.isEmpty, "\(list(printing))")
    }

    @Test func `offers as a next step nothing but what can be pasted`() throws {
        let sentences = try SourceTree.files(below: "Sources", ending: ["swift"]).flatMap { file in
            file.lines.indices.filter { file.lines[$0].contains(/nextStep: #?"(?!(keyturn|journalctl|systemctl|pgrep|mv|chmod) )/) }
                .map { "\(file.path):\($0 + 1): a sentence belongs into the detail, a next step is a command" }
        }
        #expect(sentences.isEmpty, "\(list(sentences))")
    }

    /// Package.resolved has those that others bring along, too; it is made by the first build.
    @Test func `names each package that it is built with in docs/dependencies.md`() throws {
        let read = { (name: String) in try String(contentsOf: SourceTree.root.appending(path: name), encoding: .utf8) }
        let fetched = try read("Package.resolved").matches(of: #/"location" : ".*\/([^"\/]+?)(\.git)?"/#).map { String($0.1) }
        try #require(fetched.count > 20)
        let page = try read("docs/dependencies.md").lowercased()
        let missing = fetched.filter { name in
            let plain = name.lowercased().replacing(".swift", with: "")
            return page.firstMatch(of: try! Regex("(^|[\\s`(])\(plain)([\\s`,)]|$)")) == nil
        }
        #expect(missing == [])
    }

    @Test func `has nothing else at its top`() throws {
        let allowed: Set<String> = [
            "Package.swift", "Package.resolved", "Sources", "Tests", "systemd", "docs", "README.md", "LICENSE", "NOTICE",
        ]
        let found = try FileManager.default.contentsOfDirectory(atPath: SourceTree.root.path).filter {
            !$0.hasPrefix(".") && !allowed.contains($0)
        }
        #expect(found.isEmpty, "\(list(found))")
    }

    private func everything() throws -> [SourceFile] {
        let ends: Set = ["swift", "c", "h"]
        return try SourceTree.files(below: "Sources", ending: ends) + SourceTree.files(below: "Tests", ending: ends)
    }

    private func list(_ lines: [String]) -> String { "\n" + lines.joined(separator: "\n") }

    private static func isUnsafe(_ line: String) -> Bool {
        let code = code(of: line)
        if code.contains("@unchecked Sendable") || code.contains("nonisolated(unsafe)") { return true }
        return code.contains(/(^|[\s(=!])unsafe\s+[a-zA-Z_&(]/)
    }

    private static func comparesMAC(_ line: String) -> Bool {
        // Whether there is one tells nothing of it.
        let code = code(of: line).replacing(#/[!=]= nil/#, with: "")
        return code.contains(
            #/(MAC\(of: [^)]*\)|\b(mac|attestation)) [!=]=|[!=]= (\w+[.(])*(mac\b|attestation\b|\w+MAC\(of)|contains\(.*MAC\(of/#)
    }

    private static func prints(_ line: String) -> Bool {
        code(of: line).contains(/(^|[^.\w])(print|debugPrint|dump)\(/)
    }

    /// Without its comment, as far as a line tells.
    private static func code(of line: String) -> Substring {
        line.range(of: "//").map { line[..<$0.lowerBound] } ?? line[...]
    }
}
