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
}
