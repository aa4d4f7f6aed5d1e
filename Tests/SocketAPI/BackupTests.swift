import Access
import Model
import Operations
import SocketAPI
import TestSupport
import Testing
import Vault

@Suite(.timeLimit(.minutes(5))) struct `A backup whose caller reads no more` {
    /// More than a socket holds, so that the daemon waits for the caller.
    private static func filled() async throws -> ServiceHarness {
        let harness = try await ServiceHarness()
        let value = [UInt8](repeating: 7, count: 64 * 1024)
        for number in 0..<64 as Range<UInt8> {
            harness.engine.replace([0xF0, number], with: EngineRecord(key: [0xF0, number], revision: 1, value: value))
        }
        return harness
    }

    @Test func `is cut off after ten minutes, and holds the vault's log no longer`() async throws {
        let harness = try await Self.filled()
        let routes = Routes(
            service: harness.service, events: harness.events, policy: PolicyInForce(.ownerOnly(daemonUID: 0)), clock: harness.clock,
            version: "test",
            open: OpenPages(
                service: harness.service, tally: Tally(clock: harness.clock), requests: RequestTally(), clock: harness.clock, version: "0",
                disk: { nil }, reloadRefused: { nil }))
        try await ServedSocket.with(routes: routes.add) { socket in
            let path = socket.path
            let caller = try await offPool {
                let caller = try RawCaller(path)
                caller.send("POST /v1/backup HTTP/1.1\r\nHost: k\r\nContent-Length: 0\r\n\r\n")
                return caller
            }
            await harness.clock.sleepers(atLeast: 1)
            harness.clock.advance(by: .seconds(599))
            #expect(harness.engine.openSnapshots == 1)
            harness.clock.advance(by: .seconds(1))
            let rest = try await offPool { caller.read() }
            #expect(caller.isClosed)
            #expect(rest.hasPrefix("HTTP/1.1 200 ") && rest.utf8.count < 64 * 64 * 1024)
            #expect(!rest.hasSuffix("0\r\n\r\n"), "it does not end as a whole one does")
            await socket.server.stop(within: .seconds(10))
        }
        #expect(harness.engine.openSnapshots == 0)
        #expect(try await harness.service.status(as: ServiceHarness.root).lastBackupAt == nil)
    }
}
