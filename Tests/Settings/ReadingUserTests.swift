import Foundation
import Settings
import Testing

/// The files are this process's own, the reader somebody without any group of it.
@Suite(
    .enabled(
        if: ReadingUser(named: "nobody")?.obstacle(to: FileManager.default.temporaryDirectory.path) == nil,
        "skipped: nobody may look into the folder"))
struct `What a user may read` {
    private static let reader = ReadingUser(named: "nobody")

    @Test func `is all that its mode and the folders above it let through`() throws {
        let reader = try #require(Self.reader)
        try withFolder(["policy.yaml": "", "policy.d/60-mine.yaml": ""]) { folder in
            #expect(reader.obstacle(to: "\(folder)/policy.yaml") == nil)
            #expect(reader.obstacle(to: "\(folder)/policy.d") == nil)
            #expect(reader.obstacle(to: "\(folder)/nowhere/policy.yaml") == nil)
            func obstacle(_ path: String, at mode: Int, to file: String) throws -> ReadingUser.Obstacle? {
                let whole = "\(folder)/\(path)"
                let before = try FileManager.default.attributesOfItem(atPath: whole)
                try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: whole)
                defer {
                    try? FileManager.default.setAttributes([.posixPermissions: before[.posixPermissions] ?? 0o755], ofItemAtPath: whole)
                }
                return reader.obstacle(to: "\(folder)/\(file)")
            }
            let closed = try #require(try obstacle("policy.yaml", at: 0o640, to: "policy.yaml"))
            #expect(closed.path == "\(folder)/policy.yaml" && closed.mode == 0o640 && closed.missing == "o+r")
            let hidden = try #require(try obstacle("policy.d", at: 0o750, to: "policy.d/60-mine.yaml"))
            #expect(hidden.path == "\(folder)/policy.d" && hidden.missing == "o+x")
            let unlisted = try #require(try obstacle("policy.d", at: 0o711, to: "policy.d"))
            #expect(unlisted.missing == "o+rx")
            #expect(try obstacle("policy.d", at: 0o711, to: "policy.d/60-mine.yaml") == nil)
        }
    }

    @Test func `is what a link leads to`() throws {
        let reader = try #require(Self.reader)
        try withFolder(["policy.d/60-mine.yaml": ""]) { folder in
            let link = "\(folder)/policy.yaml"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "policy.d/60-mine.yaml")
            #expect(reader.obstacle(to: link) == nil)
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: "\(folder)/policy.d")
            #expect(reader.obstacle(to: link)?.path == "\(folder)/policy.d")
        }
    }

    @Test func `is nothing where there is no such user`() {
        #expect(ReadingUser(named: "no-such-user") == nil)
    }
}
