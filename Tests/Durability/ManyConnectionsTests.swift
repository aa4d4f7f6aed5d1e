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

    @Test func `waits for some without being busy`() async throws {
        try await Site.with { site in
            try await site.keyturn.initialise()
            try await site.keyturn.start(in: Surroundings { $0.openFilesMax = 40 })
            let idle = (0..<60).compactMap { _ in try? RawCall.connected(to: site.keyturn.socket) }
            defer { for descriptor in idle { close(descriptor) } }
            // The first are being taken.
            try await Task.sleep(for: .milliseconds(500))
            let daemon = try #require(site.keyturn.daemon)
            let before = try processorTime(of: daemon)
            try await Task.sleep(for: .seconds(1))
            #expect(try processorTime(of: daemon) - before < .milliseconds(100))
        }
    }

    /// proc_pid_stat(5): fields 14 and 15, in clock ticks; the second one, the name, may have spaces in it.
    private func processorTime(of process: ChildProcess) throws -> Duration {
        let line = try String(contentsOfFile: "/proc/\(process.pid)/stat", encoding: .utf8)
        let fields = try #require(line.split(separator: ")").last).split(separator: " ")
        let ticks = try #require(Int(fields[11])) + #require(Int(fields[12]))
        return .milliseconds(ticks * 1000 / sysconf(Int32(_SC_CLK_TCK)))
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
