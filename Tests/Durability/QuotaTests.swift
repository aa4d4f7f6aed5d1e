import FlashbackStandIn
import TestProcesses
import Testing

@Suite(.timeLimit(.minutes(10))) struct `A quota that is used up` {
    @Test func `is a full disk: nothing is sent, it is said, and all goes on when there is room`() async throws {
        try await Site.with { site in
            let usedUp = try Trigger(in: site.keyturn.folder)
            try await site.keyturn.initialise()
            try await site.keyturn.start(
                in: Surroundings {
                    $0.faults = Faults(prefix: site.keyturn.vault)
                    $0.faults?.fails = [Faults.Failing(.write, 1, "EDQUOT", lasts: true)]
                    $0.faults?.armed = usedUp.path
                })
            try await site.setUp()
            try await site.stage("key-2-Rm4tVx8c")
            try usedUp.set(true)
            let before = site.standIn.count(of: .put)
            for _ in 1...2 {
                let refused = try await site.call("POST", Site.rotate, [:])
                #expect(try refused.status == 507 && refused.document["type"].text == "urn:keyturn:problem:disk-full", "\(refused.body)")
                #expect(try await site.granted("GET", "/v1/status")["disk_full"].bool == true)
            }
            #expect(site.standIn.count(of: .put) == before)
            try usedUp.set(false)
            #expect(try await site.granted("POST", Site.rotate, [:])["state"].text == "succeeded")
            #expect(try await site.granted("GET", "/v1/status")["disk_full"].bool == false)
        }
    }
}
