import Foundation
import Glibc
import Host
import Testing

@Suite struct `Binding a socket` {
    @Test func `makes it with the mode that was asked for, whatever the umask`() throws {
        try withFolder { folder in
            let socket = try ListeningSocket(path: folder + "/s", mode: 0o660, group: getgid())
            defer { close(socket.descriptor) }
            let mode = try FileManager.default.attributesOfItem(atPath: folder + "/s")[.posixPermissions] as? Int
            #expect(mode == 0o660)
        }
    }

    @Test func `lets callers come from the moment when the file is there, and so refuses its path to a second one`() throws {
        try withFolder { folder in
            let path = folder + "/s"
            let first = try ListeningSocket(path: path, mode: 0o600, group: nil)
            defer { close(first.descriptor) }
            #expect(throws: SocketFailure.socketTaken(path: path)) { try ListeningSocket(path: path, mode: 0o600, group: nil) }
        }
    }

    @Test func `replaces a stale socket`() throws {
        try withFolder { folder in
            let path = folder + "/s"
            let first = try ListeningSocket(path: path, mode: 0o600, group: nil)
            close(first.descriptor)
            let second = try ListeningSocket(path: path, mode: 0o600, group: nil)
            defer { close(second.descriptor) }
            first.removeFile()
            #expect(FileManager.default.fileExists(atPath: path), "the successor's file is not the first one's to remove")
            second.removeFile()
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test func `leaves alone what is no socket`() throws {
        try withFolder { folder in
            let path = folder + "/s"
            try Data("dear".utf8).write(to: URL(filePath: path))
            #expect(throws: SocketFailure.notASocket(path: path)) { try ListeningSocket(path: path, mode: 0o600, group: nil) }
            #expect(FileManager.default.contents(atPath: path) == Data("dear".utf8))
        }
    }

    @Test func `says why it can't`() throws {
        try withFolder { folder in
            let missing = folder + "/none/s"
            let failure = #expect(throws: SocketFailure.self) { try ListeningSocket(path: missing, mode: 0o600, group: nil) }
            #expect(failure?.description == "could not listen on '\(missing)': No such file or directory")
            let long = folder + "/" + String(repeating: "x", count: 120)
            #expect(throws: SocketFailure.self) { try ListeningSocket(path: long, mode: 0o600, group: nil) }
        }
    }

    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kt-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }
}
