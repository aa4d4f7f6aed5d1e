import FakeDaemon
import Foundation
import Testing

@testable import keyturn

@Suite struct `A backup that breaks off` {
    @Test func `is said not to be whole, and leaves no file`() async throws {
        let folder = try ThrowawayFolder()
        defer { folder.remove() }
        try await FakeDaemon.serving { _ in
            .brokenStream(["keyturn backup\n", "a record"])
        } _: { fake in
            let file = "\(folder.path)/the.backup"
            let ran = await keyturn("backup", file, at: fake.socketPath)
            #expect(ran.status == .failed && ran.errors.contains("The backup is not whole") && ran.errors.contains("10 minutes"))
            #expect(ran.errors.hasSuffix("  try: keyturn status\n"), "\(ran.errors)")
            let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(left == [])
        }
    }

    @Test func `leaves an earlier one of the same name as it was`() async throws {
        let folder = try ThrowawayFolder()
        defer { folder.remove() }
        let file = "\(folder.path)/the.backup"
        try Data("earlier".utf8).write(to: URL(filePath: file))
        try await FakeDaemon.serving { _ in
            .brokenStream(["keyturn backup\n"])
        } _: { fake in
            #expect(await keyturn("backup", file, "--force", at: fake.socketPath).status == .failed)
        }
        #expect(FileManager.default.contents(atPath: file) == Data("earlier".utf8))
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(left == ["the.backup"])
    }
}
