import FlashbackStandIn
import Foundation
import TestProcesses
import Testing

/// What the real programs print as a next step, given to a shell as it stands.
@Suite(.timeLimit(.minutes(5))) struct `A next step that is pasted into a shell` {
    @Test func `goes to the daemon that it was printed for, and leads out of a stuck rotation`() async throws {
        try await Scene.with { scene in
            // A socket that a shell would trip over.
            let socket = "\(scene.keyturn.folder.path)/it's here.sock"
            try FileManager.default.createSymbolicLink(atPath: socket, withDestinationPath: scene.keyturn.proxySocket)
            scene.standIn.order(.noSuccess, for: .put)
            scene.standIn.order(.status(403), for: .put)
            let rotated = try await scene.keyturn.keyturn("rotate", Scene.config, "--socket", socket)
            #expect(rotated.status == 1 && rotated.errors.contains("stuck"))
            let status = try await scene.keyturn.keyturn("status", "--socket", socket)
            #expect(status.status == 1)
            let printed = try #require(rotated.errors.firstRange(of: "  try: ").map { rotated.errors[$0.upperBound...] })
            let step = printed.trimmingCharacters(in: .newlines)
            #expect(status.output.contains(step), "status shows the same")
            #expect(try await scene.keyturn.shell(step).status == 0)
            #expect(scene.held == "new")
            #expect(try await scene.versions() == [1: "previous", 2: "current"])
            #expect(try await scene.keyturn.keyturn("status", "--socket", socket).status == 0)
        }
    }
}
