import Foundation
import TestProcesses
import Testing

@testable import Settings

@Suite struct `The examples` {
    private static let folder = "docs/examples"

    @Test func `of settings name every one, with the default where there is one`() throws {
        let text = try Repository.text("\(Self.folder)/keyturn.yaml")
        let fields = text.split(separator: "\n").filter { $0.contains(/^# +?[a-z_]+:( |$)/) }.map { String($0.dropFirst(2)) }
        let names = fields.map { String($0.trimmingCharacters(in: .whitespaces).prefix { $0 != ":" }) }
        #expect(names == SettingsField.names)
        var settings = DaemonSettings()
        var file = SettingsFile(path: "keyturn.yaml")
        file.read(fields.joined(separator: "\n"), into: &settings)
        #expect(file.errors.isEmpty, "\(file.errors)")
        settings.socketGroup = nil
        settings.keyFile = nil
        settings.counterFile = nil
        settings.logFormat = nil
        #expect(settings == DaemonSettings())
    }

    @Test func `of rules are fine`() async throws {
        let file = Repository.root.appending(path: "\(Self.folder)/60-operators.yaml").path
        let checked = try await run(Programs.keyturn, ["policy", "check", file])
        #expect(checked.output.contains("is fine: 3 rules") && checked.errors == "", "\(checked)")
    }
}
