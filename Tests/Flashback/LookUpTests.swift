import FlashbackStandIn
import Model
import Rotations
import Testing

@Suite struct `Looking a configuration up` {
    @Test func `fields and shared keys come from the list`() async throws {
        try await Bench.with { bench in
            bench.standIn.addConfiguration(
                id: "other", name: "with \"braces\" }{][", aiType: "ANTHROPIC", endpoint: "https://api.example.com/v1", apiKeyID: "shared-1"
            )
            bench.standIn.addConfiguration(id: "odd", name: "odd", aiType: "FUTURE")
            #expect(await bench.lookUp() == .listed(fields: RemoteFields(name: "production", aiType: .openAI), usesSharedKey: false))
            let other = RemoteFields(name: "with \"braces\" }{][", endpoint: "https://api.example.com/v1", aiType: .anthropic)
            #expect(await bench.lookUp("other") == .listed(fields: other, usesSharedKey: true))
            #expect(await bench.lookUp("odd") == .listed(fields: RemoteFields(name: "odd"), usesSharedKey: false))
            #expect(await bench.lookUp("absent") == .missing)
        }
    }

    @Test func `the workspace is asked for, escaped`() async throws {
        try await Bench.with(workspaceID: "a b&c/ü") { bench in
            #expect(await bench.lookUp() == .missing)
            #expect(bench.standIn.received.first?.uri == "/ai/llm?workspaceId=a%20b%26c%2F%C3%BC")
        }
    }

    @Test func `a list that is not too old is not fetched again`() async throws {
        try await Bench.with { bench in
            for _ in 0..<3 { _ = await bench.lookUp(noOlderThan: .seconds(600)) }
            #expect(bench.standIn.count(of: .list) == 1)
            _ = await bench.lookUp(noOlderThan: .zero)
            #expect(bench.standIn.count(of: .list) == 2)
        }
    }

    @Test func `callers at the same time share one fetch`() async throws {
        try await Bench.with { bench in
            bench.standIn.order(.gate, for: .list)
            await withTaskGroup(of: LookUpAnswer.self) { group in
                group.addTask { await bench.lookUp(noOlderThan: .seconds(600)) }
                await bench.standIn.waitFor(1, of: .list)
                for _ in 0..<20 { group.addTask { await bench.lookUp(noOlderThan: .seconds(600)) } }
                bench.standIn.release()
                for await answer in group {
                    #expect(answer == .listed(fields: RemoteFields(name: "production", aiType: .openAI), usesSharedKey: false))
                }
            }
            #expect(bench.standIn.count(of: .list) == 1)
        }
    }

    @Test func `one who is cancelled does not take the others along`() async throws {
        try await Bench.with { bench in
            bench.standIn.order(.hangBeforeEffect, for: .list)
            let first = Task { await bench.lookUp(noOlderThan: .seconds(600)) }
            await bench.standIn.waitFor(1, of: .list)
            let second = Task { await bench.lookUp(noOlderThan: .seconds(600)) }
            first.cancel()
            #expect(await first.value == .unavailable(Reason("cancelled after the request was sent")))
            #expect(await second.value == .listed(fields: RemoteFields(name: "production", aiType: .openAI), usesSharedKey: false))
        }
    }

    @Test(arguments: [
        (Fault.status(404), "the backend answered 404"), (.status(405), "the backend answered 405"),
        (.status(500), "the backend answered 500"),
        (.html, "the answer can't be read"), (.emptyBody, "the backend's list ends too early"),
        (.noSuccess, "the backend's list ends too early"),
        (.status(200, body: #"{"aiLlms":[{"id":"a"}"#), "the backend's list ends too early"),
        (.status(200, body: #"{"aiLlms":[{"id":"a"},7]}"#), "the answer can't be read"),
        (.status(200, body: #"{"aiLlms":[{"name":"no id"}]}"#), "the answer can't be read"),
        (.status(200, body: #"{"aiLlms":[{"id":"a","id":"b"}]}"#), "the answer can't be read"),
        (.status(200, body: #"{"aiLlms":null}"#), "the backend's list ends too early"),
        (.status(200, body: #"[{"id":"a"}]"#), "the answer can't be read"),
        (.status(200, body: #"{"aiLlms":[],"success":false}"#), "the backend answered success: false"),
        (.redirect(to: "/"), "the backend answered 307, and redirects are never followed"),
        (.endlessBody, "the answer can't be read"), (.resetBeforeEffect, "the connection was reset after the request was sent"),
    ])
    func `a backend without a usable list is no obstacle`(_ fault: Fault, _ what: String) async throws {
        try await Bench.with { bench in
            bench.standIn.order(fault, for: .list)
            guard case .unavailable(let reason) = await bench.lookUp() else { throw Unexpected() }
            #expect(reason.what == what)
        }
    }

    @Test func `a backend without a list is not asked for it all the time`() async throws {
        try await Bench.with { bench in
            bench.standIn.order(.status(404), for: .list, times: .max)
            for _ in 0..<3 { _ = await bench.lookUp(noOlderThan: .seconds(600)) }
            #expect(bench.standIn.count(of: .list) == 1)
        }
    }

    @Test func `a refused bearer is unauthorized`() async throws {
        try await Bench.with { bench in
            #expect(
                await bench.lookUp(bearer: "other") == .unauthorized(Reason("the backend answered 401", backendMessage: "Unauthorized")))
        }
    }

    @Test func `a list of megabytes is read, one beyond the limit is not`() async throws {
        try await Bench.with { bench in
            let endpoint = "https://api.example.com/" + String(repeating: "x", count: 3000)
            for number in 0..<700 { bench.standIn.addConfiguration(id: "id-\(number)", name: "name \(number)", endpoint: endpoint) }
            #expect(
                await bench.lookUp("id-699")
                    == .listed(fields: RemoteFields(name: "name 699", endpoint: endpoint, aiType: .openAI), usesSharedKey: false))
            bench.standIn.order(.status(200, body: #"{"x":"\#(String(repeating: "x", count: 9 << 20))","aiLlms":[]}"#), for: .list)
            #expect(await bench.lookUp() == .unavailable(Reason("the answer is too long")))
        }
    }
}
