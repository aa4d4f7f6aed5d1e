import Access
import ArgumentParser
import Foundation
import TestProcesses
import Testing

@testable import Settings
@testable import keyturn

@Suite struct `The man pages` {
    private static let man = "/usr/bin/man"
    private static let pages = ["keyturn.1", "keyturn.7", "keyturn.yaml.5", "keyturn-policy.yaml.5", "keyturnd.8"]

    /// man exits 0 whatever it has to complain of, so that its silence is what counts.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: man), "skipped: man is not there"), arguments: pages)
    func `are read by man without a word`(_ name: String) async throws {
        let folder = try PrivateFolder()
        defer { folder.remove() }
        let file = try folder.file(name, Array(try await Self.page(name).utf8))
        let shown = try await run(Self.man, ["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", file])
        #expect(shown.errors == "" && shown.output.contains("x stop"))
    }

    @Test func `tell of every command and all its options`() async throws {
        let page = try await Self.page("keyturn.1")
        var path: [String] = []
        func check(_ command: any ParsableCommand.Type) async throws {
            for child in command.children {
                path.append(child.configuration.commandName ?? "")
                let help = try await run(Programs.keyturn, ["help"] + path).output
                let section = try #require(Self.section("Ss", path.joined(separator: " "), of: page), "\(path)")
                for option in help.matches(of: #/^  (--[a-z-]+)/#.anchorsMatchLineEndings()).map({ String($0.1) }) {
                    let name = "Fl \\&\(option.dropFirst().replacing("-", with: "\\-"))"
                    #expect(section.contains(name) || Self.globals.contains(option), "\(path) \(option)")
                }
                try await check(child)
                path.removeLast()
            }
        }
        try await check(Keyturn.self)
    }

    @Test func `tell of every setting, and its default`() async throws {
        let page = try await Self.page("keyturn.yaml.5")
        for field in SettingsField.all { try check(field, in: page) }
        let told = page.matches(of: #/\n\.It Va (\S+)/#).map { String($0.1) }
        #expect(Set(told) == Set(SettingsField.names) && told.count == Set(told).count)
    }

    private func check(_ field: SettingsField, in page: String) throws {
        let item = try #require(Self.item("Va \(field.name)", of: page), "\(field.name)")
        let text = item.replacing(#/\n\.(Pa|Ql|Va) ?/#, with: " ").replacing("\n", with: " ")
        let value = text.firstMatch(of: #/Default: (\[.+?\]|\S+) ?\.?( |$)/#).map { String($0.1).trimmingSuffix(".") }
        var settings = DaemonSettings()
        switch field.set {
        case .one where Self.unset.contains(field.name): return
        case .one(let set): try set(&settings, try #require(value, "\(field.name)"))
        case .list(let set):
            try set(&settings, try #require(value).trimmingCharacters(in: ["[", "]"]).components(separatedBy: ", "))
        case .group(let fields): for field in fields { try check(field, in: page) }
        }
        #expect(settings == DaemonSettings(), "\(field.name) is not \(value ?? "") by default")
    }

    /// Their defaults depend on something else.
    private static let unset: Set<String> = ["socket_group", "key_file", "counter_file", "log_format"]

    @Test func `tell of every right`() async throws {
        let told = try await Self.page("keyturn-policy.yaml.5").matches(of: #/\n\.It Sy (\S+)/#).map { String($0.1) }
        #expect(told == Right.allCases.map(\.rawValue))
    }

    @Test func `tell of every exit status`() async throws {
        let told = try #require(Self.section("Sh", "EXIT STATUS", of: try await Self.page("keyturn.1"))).matches(of: #/\n\.It (\d+)/#)
            .compactMap { Int32($0.1) }
        #expect(told == (0...255).filter { CommandExit(rawValue: $0) != nil })
    }

    @Test func `tell of the environment that means something`() async throws {
        let client = try #require(Self.section("Sh", "ENVIRONMENT", of: try await Self.page("keyturn.1")))
        let sources = try FileManager.default.subpathsOfDirectory(atPath: Repository.root.appending(path: "Sources/keyturn").path)
        let read = try sources.filter { $0.hasSuffix(".swift") }.flatMap { path in
            try Repository.text("Sources/keyturn/\(path)").matches(of: #/environment\["(KEYTURN_\w+|NO_COLOR)"\]/#).map { String($0.1) }
        }
        #expect(read.count >= 3)
        for name in read { #expect(client.contains("Ev \(name)"), "\(name)") }
        let daemon = try #require(Self.section("Sh", "ENVIRONMENT", of: try await Self.page("keyturnd.8")))
        for name in SettingsSources.Flag.allCases.map(\.variable) + ["KEYTURN_CONFIG"] { #expect(daemon.contains("Ev \(name)"), "\(name)") }
    }

    @Test func `tell of the files that the units and the defaults name`() async throws {
        var pages: [String] = []
        for name in Self.pages { pages.append(try await Self.page(name)) }
        let defaults = DaemonSettings()
        let counter = try #require(try Repository.text("systemd/keyturnd.service").firstMatch(of: #/StateDirectory=keyturn (\S+)/#)?.1)
        for path in [defaults.vault, defaults.socket, "/var/lib/\(counter)", "/etc/keyturn/keyturn.yaml", "/etc/keyturn/policy.yaml"] {
            #expect(pages.contains { $0.contains("Pa \(path)") }, "\(path)")
        }
    }

    // MARK: Reading mdoc

    /// As it is in the package: what the parser knows comes from the program.
    private static func page(_ name: String) async throws -> String {
        let part = name.split(separator: ".")
        guard ["1", "8"].contains(part[1]) else { return try Repository.text("docs/man/\(name)") }
        let program = part[0] == "keyturn" ? Programs.keyturn : Programs.keyturnd
        let made = try await run(
            Programs.manualPage,
            [program, String(part[1]), "November 28, 2026", Repository.root.appending(path: "docs/man/\(name).end").path])
        #expect(made.errors == "")
        return made.output
    }

    private static func section(_ macro: String, _ title: String, of page: String) -> String? {
        let title = "\n.\(macro) \(title.replacing("-", with: "\\-"))\n"
        return page.range(of: title).map { start in
            let rest = page[start.upperBound...]
            let end = rest.firstRange(of: #/\n\.(Ss|Sh) /#)?.lowerBound ?? rest.endIndex
            return "\n" + rest[..<end]
        }
    }

    private static func item(_ title: String, of page: String) -> String? {
        page.range(of: "\n.It \(title)\n").map { start in
            let rest = page[start.upperBound...]
            return String(rest[..<(rest.firstRange(of: #/\n\.(It|El)/#)?.lowerBound ?? rest.endIndex)])
        }
    }

    private static let globals: Set<String> = ["--socket", "--json", "--quiet", "--version", "--help"]
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> String { hasSuffix(suffix) ? String(dropLast(suffix.count)) : self }
}
