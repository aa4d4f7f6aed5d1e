import Foundation
import Model
import Rotations
import Secrets
import TestSupport
import Testing

@testable import Operations
@testable import Vault

extension ServiceHarness {
    /// What is stored of a kind.
    fileprivate func count<Value: ~Copyable>(of kind: RecordKind<Value>) -> Int {
        engine.records.count { $0.key.first == kind.tag }
    }
}

@Suite(.timeLimit(.minutes(5))) struct `Tidying up` {
    @Test func `goes by time: what is not due yet is not looked at`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp(grace: .seconds(600))
        let other = try ConfigName("other")
        try await keyturn.putConfig(other, id: "remote-2", grace: .seconds(86_400))
        for name in [ServiceHarness.config, other] {
            for number in 1...2 {
                try await keyturn.stage("key-\(name)-\(number)", for: name)
                _ = try await keyturn.rotate(RotationRequest(.rotate), name)
            }
        }
        #expect(keyturn.count(of: .erasure) == 2)
        #expect(await keyturn.service.eraseOnce() == .seconds(30), "never longer than that")
        keyturn.clock.advance(by: .seconds(595))
        #expect(await keyturn.service.eraseOnce() == .seconds(5))
        keyturn.clock.advance(by: .seconds(5))
        _ = await keyturn.service.eraseOnce()
        #expect(try await keyturn.states() == [1: .retired, 2: .current])
        #expect(try await keyturn.states(other) == [1: .previous, 2: .current])
        #expect(keyturn.count(of: .erasure) == 1)
    }

    @Test func `finds what an earlier release had scheduled by config`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp(grace: .seconds(60))
        for key in ["key-one", "key-two"] {
            try await keyturn.stage(key)
            _ = try await keyturn.rotate()
        }
        let now = keyturn.clock.now()
        try await keyturn.vault.write { transaction in
            var config = try transaction.config(ServiceHarness.config).value
            try transaction.unscheduleErasure(of: config)
            config.eraseAt = nil
            try transaction.put(.config, .named(ServiceHarness.config), config)
            try transaction.put(
                .erasureByConfig, .named(ServiceHarness.config), ErasureRecord(config: ServiceHarness.config, at: now + .seconds(60)))
            return .changed((), AuditEvent(at: now, "as-before", by: nil))
        }
        await keyturn.kill()
        let restarted = try await ServiceHarness(after: keyturn)
        try await restarted.service.reindexErasures()
        #expect(restarted.count(of: .erasureByConfig) == 0 && restarted.count(of: .erasure) == 1)
        restarted.clock.advance(by: .seconds(60))
        _ = await restarted.service.eraseOnce()
        #expect(try await restarted.states() == [1: .retired, 2: .current])
    }

    @Test func `forgets a used box only when it could not be used again`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        let before = keyturn.count(of: .usedBox)
        let box = try await keyturn.box(credential: #"{"key":"key-one"}"#, expiresAt: keyturn.clock.now() + .seconds(3600))
        _ = try await keyturn.service.stage(box, for: ServiceHarness.config, .next, as: ServiceHarness.root)
        try await keyturn.stage("key-two")
        keyturn.clock.advance(by: .seconds(3601))
        await keyturn.service.eraseUsedBoxes()
        #expect(keyturn.count(of: .usedBox) == before + 2, "a clock may go back")
        keyturn.clock.advance(by: .seconds(31 * 86_400))
        await keyturn.service.eraseUsedBoxes()
        #expect(keyturn.count(of: .usedBox) == before + 1, "one without an expiry opens as long as its intake key does")
        let problem = await #expect(throws: Problem.self) {
            try await keyturn.service.stage(box, for: ServiceHarness.config, .next, as: ServiceHarness.root)
        }
        #expect(problem?.code == .wrongBox && problem?.nextStep == "keyturn stage openai-prod")
    }
}

@Suite(.timeLimit(.minutes(5))) struct `An intake key` {
    @Test func `is renewed after a year, opens for a month more, and is erased then`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        func stage(_ box: IncomingBox) async throws {
            _ = try await keyturn.service.stage(box, for: ServiceHarness.config, .next, as: ServiceHarness.root)
        }
        let first = try await keyturn.service.intakeKey().key.id
        let boxes = try await [
            keyturn.box(credential: #"{"key":"key-one"}"#), keyturn.box(credential: #"{"key":"key-two"}"#),
        ]
        keyturn.clock.advance(by: .seconds(365 * 86_400 - 1))
        try await keyturn.service.renewIntakeKey()
        #expect(try await keyturn.service.intakeKey().key.id == first)
        keyturn.clock.advance(by: .seconds(1))
        try await keyturn.service.renewIntakeKey()
        #expect(try await keyturn.service.intakeKey().key.id != first)
        #expect(keyturn.count(of: .intakeSecret) == 2)

        keyturn.clock.advance(by: .seconds(30 * 86_400 - 1))
        try await stage(boxes[0])
        keyturn.clock.advance(by: .seconds(1))
        let problem = await #expect(throws: Problem.self) { try await stage(boxes[1]) }
        #expect(problem?.code == .wrongBox && problem?.nextStep == "keyturn intake-key")
        try await keyturn.service.renewIntakeKey()
        #expect(keyturn.count(of: .intakeSecret) == 1)
    }
}

@Suite(.timeLimit(.minutes(5))) struct `What is remembered` {
    @Test func `counts versions on after a config of the same name was purged`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        for key in ["key-one", "key-two"] { try await keyturn.stage(key) }
        try await keyturn.service.removeConfig(ServiceHarness.config, .purged, as: ServiceHarness.root)
        try await keyturn.putConfig(ServiceHarness.config, id: "remote-1")
        #expect(try await keyturn.stage("key-three").number == 3)
    }

    @Test func `is when a static token expires, where it says so itself`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        let payload = Data(#"{"exp":1900000000}"#.utf8).base64EncodedString().replacing("=", with: "")
        let box = try await keyturn.box("upstream-token", target: "fb", credential: #"{"access_token":"e30.\#(payload).c2ln"}"#)
        let before = try await keyturn.service.upstream(ServiceHarness.upstream, as: ServiceHarness.root)
        #expect(before.tokenExpiresAt == nil)
        try await keyturn.service.putUpstream(
            ServiceHarness.upstream, UpstreamSettings(address: before.address, allowsPlainHTTP: false), bearer: box,
            as: ServiceHarness.root)
        let after = try await keyturn.service.upstream(ServiceHarness.upstream, as: ServiceHarness.root)
        #expect(after.tokenExpiresAt == Timestamp(milliseconds: 1_900_000_000_000))
    }

    @Test func `is until when a key that was sent is kept, and a refusal to discard it says that`() async throws {
        let keyturn = try await ServiceHarness()
        try await keyturn.setUp()
        try await keyturn.stage("key-one")
        keyturn.target.answer(lookUp: .missing)
        keyturn.target.answer(validates: [.notFound(Reason("the backend answered 404"))])
        #expect(try await keyturn.rotate().state == .failed)
        let until = keyturn.clock.now() + .seconds(3600)
        let problem = await #expect(throws: Problem.self) {
            try await keyturn.service.discard(1, of: ServiceHarness.config, .stagedOnly, as: ServiceHarness.root)
        }
        #expect(problem?.detail.contains("\(until)") == true)
        keyturn.clock.advance(by: .seconds(3600))
        #expect(try await keyturn.rotate().state == .succeeded, "it goes first when the configuration is there again")
    }
}
