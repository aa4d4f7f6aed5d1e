import FlashbackStandIn
import Foundation
import Glibc
import TestProcesses
import Testing

@Suite(.timeLimit(.minutes(10))) struct `A daemon that has no file descriptors left` {
    @Test func `serves again as soon as there are some`() async throws {
        try await Site.with { site in
            try await site.keyturn.initialise()
            try await site.keyturn.start(in: Surroundings { $0.openFilesMax = 40 })
            try await site.setUp()
            let idle = (0..<60).compactMap { _ in try? RawCall.connected(to: site.keyturn.socket) }
            #expect(idle.count == 60, "the kernel keeps those in the queue that can't be taken")
            // The one who waits in the queue is served when another goes.
            async let late = site.call("GET", "/v1/status")
            try await Task.sleep(for: .milliseconds(200))
            for descriptor in idle { close(descriptor) }
            #expect(try await late.status == 200)
            try await site.stage("key-2-Pc5vMx9t")
            #expect(try await site.granted("POST", Site.rotate, [:])["state"].text == "succeeded")
        }
    }

    @Test func `goes on with its rotations as soon as there are some`() async throws {
        try await Site.with { site in
            try await site.keyturn.initialise()
            try await site.keyturn.start()
            try await site.setUp()
            try await site.stage("key-2-Wd6kJz3q")
            site.standIn.order(.gate, for: .put)
            let cutOff = Task { try? await site.call("POST", Site.rotate, [:]) }
            await site.standIn.waitFor(1, of: .put)
            try await site.keyturn.kill()
            _ = await cutOff.value
            site.standIn.release()

            let triesBefore = tries(in: site)
            let daemon = try site.keyturn.launch(in: Surroundings { $0.openFilesMax = 40 })
            try await until { RawCall.isServed(site.keyturn.socket) }
            let idle = (0..<60).compactMap { _ in try? RawCall.connected(to: site.keyturn.socket) }
            try await until { tries(in: site) > triesBefore || daemon.ending != nil }
            for descriptor in idle { close(descriptor) }
            try await until {
                try await site.call("GET", "/v1/rotations?limit=1").document["items"].items.first?["state"].text == "succeeded"
            }
            #expect(daemon.ending == nil)
        }
    }

    private func tries(in site: Site) -> Int { site.keyturn.log.components(separatedBy: "applying").count }

    private func until(_ isSo: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(30)
        while try await !isSo() {
            try #require(ContinuousClock.now < end)
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}
