import FakeDaemon
import FoundationEssentials
import Testing

@testable import keyturn

@Suite struct `Rotating one config` {
    @Test func `a success is told, its warnings on standard error`() async throws {
        try await FakeDaemon.serving { _ in
            .json(200, rotation("succeeded", warnings: #""old key stays""#))
        } _: { fake in
            let ran = await keyturn("rotate", "a", at: fake.socketPath)
            #expect(ran.status == .done)
            #expect(ran.output == "a: version 2 is current, proven.\n")
            #expect(ran.errors == "keyturn: warning: old key stays\n")
        }
    }

    @Test(arguments: ["waiting", "stuck", "failed", "rejected", "cancelled", "running"]) func `all else is a failure`(_ state: String)
        async throws
    {
        try await FakeDaemon.serving { _ in
            .json(200, rotation(state))
        } _: { fake in
            let ran = await keyturn("rotate", "a", at: fake.socketPath)
            #expect(ran.status == .failed)
            #expect(ran.output.isEmpty)
            #expect(ran.errors.hasPrefix("keyturn: a: "))
        }
    }

    @Test func `a problem says what is wrong and what to try`() async throws {
        try await FakeDaemon.serving { _ in
            problem("key-rejected", 422, rotation: rotation("rejected"))
        } _: { fake in
            let ran = await keyturn("rotate", "a", at: fake.socketPath)
            #expect(ran.status == .failed)
            #expect(ran.errors == "keyturn: It is so.\n  try: keyturn versions a\n")
        }
    }

    @Test func `in JSON the rotation is the result in every case, the problem an error`() async throws {
        try await FakeDaemon.serving { _ in
            problem("key-rejected", 422, rotation: rotation("rejected"))
        } _: { fake in
            let ran = await keyturn("rotate", "a", "--json", at: fake.socketPath)
            #expect(ran.status == .failed)
            #expect(ran.output.contains(#""state":"rejected""#))
            #expect(ran.errors.contains("urn:keyturn:problem:key-rejected"))
        }
        try await FakeDaemon.serving { _ in
            .json(200, rotation("waiting"))
        } _: { fake in
            let ran = await keyturn("rotate", "a", "--json", at: fake.socketPath)
            #expect(ran.output.contains(#""state":"waiting""#))
            #expect(ran.errors.contains("urn:keyturn:problem:rotation-waiting"))
        }
    }

    @Test func `not due is 5, and so is paused when asked to only if due`() async throws {
        try await FakeDaemon.serving { _ in
            .json(200, #"{"rotated":false,"due_at":"2027-01-01T00:00:00Z","reason":"not due"}"#)
        } _: { fake in
            let ran = await keyturn("rotate", "a", "--if-due", at: fake.socketPath)
            #expect(ran.status == .notDue)
            #expect(ran.output == "a: not due; due at 2027-01-01T00:00:00Z\n")
        }
        try await FakeDaemon.serving { _ in
            problem("paused", 409)
        } _: { fake in
            #expect(await keyturn("rotate", "a", "--if-due", at: fake.socketPath).status == .notDue)
            #expect(await keyturn("rotate", "a", at: fake.socketPath).status == .failed)
        }
    }

    @Test func `one that is not waited for is done when it runs`() async throws {
        try await FakeDaemon.serving { _ in
            .json(202, rotation("running"))
        } _: { fake in
            #expect(await keyturn("rotate", "a", "--no-wait", at: fake.socketPath).status == .done)
            #expect(fake.requests.first?.headers["prefer"] == "respond-async")
        }
    }

    @Test func `a broken connection asks again for the same rotation`() async throws {
        let script = Script([.breakOff, .json(200, rotation("succeeded"))])
        try await FakeDaemon.serving({ _ in script.next() }) { fake in
            #expect(await keyturn("rotate", "a", at: fake.socketPath).status == .done)
            let keys = fake.requests.map { $0.headers["idempotency-key"] }
            #expect(keys.count == 2 && keys[0] != nil && keys[0] == keys[1])
        }
    }

    @Test func `denied is 3, sealed is 6`() async throws {
        try await FakeDaemon.serving { _ in
            problem("not-allowed", 403)
        } _: { fake in
            #expect(await keyturn("rotate", "a", at: fake.socketPath).status == .denied)
        }
        try await FakeDaemon.serving { _ in
            problem("sealed", 503)
        } _: { fake in
            #expect(await keyturn("rotate", "a", at: fake.socketPath).status == .sealed)
        }
    }
}

@Suite struct `Rotating all that is due` {
    private static func names(_ request: FakeDaemon.Request, _ all: [String]) -> FakeDaemon.Reply? {
        guard request.method == "GET" else { return nil }
        // Two pages.
        let half = all.count / 2
        let isFirst = !request.target.contains("after=")
        let items = (isFirst ? all[..<half] : all[half...]).map { config($0) }.joined(separator: ",")
        return .json(200, #"{"items":[\#(items)],"next":\#(isFirst ? "\"c\"" : "null")}"#)
    }

    private static func name(_ request: FakeDaemon.Request) -> String { String(request.target.split(separator: "/")[2]) }

    @Test func `one failure stops nothing`() async throws {
        let all = (1...20).map { "c\($0)" }
        let answer = { @Sendable (request: FakeDaemon.Request) -> FakeDaemon.Reply in
            if let page = Self.names(request, all) { return page }
            switch Self.name(request) {
            case "c3": return problem("upstream-unreachable", 504)
            case "c4": return .json(200, #"{"rotated":false,"due_at":null,"reason":"r"}"#)
            case "c5": return problem("paused", 409)
            case let name: return .json(200, rotation("succeeded", config: name))
            }
        }
        try await FakeDaemon.serving(answer) { fake in
            let ran = await keyturn("rotate", "--all-due", at: fake.socketPath)
            #expect(ran.status == .failed)
            #expect(ran.output.split(separator: "\n").count == 17)
            #expect(ran.errors.contains("keyturn: c3: It is so."))
            let posts = fake.requests.filter { $0.method == "POST" }
            #expect(Set(posts.map(Self.name)) == Set(all))
            #expect(posts.allSatisfy { $0.body == #"{"if_due":true}"# })
        }
    }

    @Test func `an upstream that does not answer holds up no other`() async throws {
        let dead = (1...20).map { config("a\($0)", on: "dead") }
        // Opens once eight of the dead upstream's and the other's one are inside.
        let gate = Gate(opensAt: AllDue.atOnce + 1)
        let answer = { @Sendable (request: FakeDaemon.Request) async -> FakeDaemon.Reply in
            guard request.method == "POST" else {
                return .json(200, #"{"items":[\#((dead + [config("z")]).joined(separator: ","))],"next":null}"#)
            }
            await gate.enter()
            return .json(200, rotation("succeeded", config: Self.name(request)))
        }
        try await FakeDaemon.serving(answer) { fake in
            #expect(await keyturn("rotate", "--all-due", "--json", at: fake.socketPath).status == .done)
        }
    }

    @Test func `eight wait at once, and no more`() async throws {
        let all = (1...20).map { "c\($0)" }
        let gate = Gate(opensAt: AllDue.atOnce)
        let answer = { @Sendable (request: FakeDaemon.Request) async -> FakeDaemon.Reply in
            if let page = Self.names(request, all) { return page }
            await gate.enter()
            await gate.leave()
            return .json(200, rotation("succeeded", config: Self.name(request)))
        }
        try await FakeDaemon.serving(answer) { fake in
            let ran = await keyturn("rotate", "--all-due", "--json", at: fake.socketPath)
            #expect(ran.status == .done)
            #expect(await gate.mostInside == 8)
            #expect(ran.output.components(separatedBy: #""outcome":"rotated""#).count == 21)
        }
    }

    @Test func `nothing due is 5`() async throws {
        try await FakeDaemon.serving { _ in
            .json(200, #"{"items":[],"next":null}"#)
        } _: { fake in
            let ran = await keyturn("rotate", "--all-due", at: fake.socketPath)
            #expect(ran.status == .notDue)
            #expect(ran.output == "Nothing is due.\n")
            #expect(fake.requests.map(\.target) == ["/v1/configs?due=true"])
        }
    }

    @Test func `a sealed vault is 6`() async throws {
        try await FakeDaemon.serving { _ in
            problem("sealed", 503)
        } _: { fake in
            #expect(await keyturn("rotate", "--all-due", at: fake.socketPath).status == .sealed)
        }
    }
}

/// Holds the first ones back until so many are inside; then it stays open. Counts how many were inside at most.
private actor Gate {
    private var missing: Int
    private var inside = 0
    private(set) var mostInside = 0
    private var held: [CheckedContinuation<Void, Never>] = []

    init(opensAt count: Int) {
        missing = count
    }

    func enter() async {
        inside += 1
        mostInside = max(mostInside, inside)
        missing -= 1
        guard missing > 0 else {
            held.forEach { $0.resume() }
            held = []
            return
        }
        await withCheckedContinuation { held.append($0) }
    }

    func leave() {
        inside -= 1
    }
}
