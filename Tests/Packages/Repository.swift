import Foundation
import TestProcesses

@testable import Settings

/// The repository that the tests were built from.
enum Repository {
    static let root = URL(filePath: #filePath).appending(path: "../../..").standardizedFileURL

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }
}

/// Runs a program to its end, with the programs under test first on its PATH.
func run(_ program: String, _ arguments: [String], environment: [String: String] = [:]) async throws -> (output: String, errors: String) {
    let folder = try PrivateFolder()
    defer { folder.remove() }
    var all = Programs.environment.merging(environment) { _, given in given }
    all["PATH"] = "\(URL(filePath: Programs.keyturn).deletingLastPathComponent().path):/usr/bin:/bin"
    let (output, errors) = (folder.path + "/output", folder.path + "/errors")
    let process = try ChildProcess(program, arguments, environment: all, output: output, errors: errors)
    _ = try await process.ended(within: .seconds(60))
    return (try String(contentsOfFile: output, encoding: .utf8), try String(contentsOfFile: errors, encoding: .utf8))
}

extension SettingsField {
    /// Of all settings, those of a group after its own.
    static var names: [String] { names(of: all) }

    private static func names(of fields: [SettingsField]) -> [String] {
        fields.flatMap { field in
            if case .group(let fields) = field.set { [field.name] + names(of: fields) } else { [field.name] }
        }
    }
}
