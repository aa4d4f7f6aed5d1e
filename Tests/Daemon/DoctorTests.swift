import FlashbackStandIn
import Foundation
import TestProcesses
import Testing

/// What the daemon sees of a backend for the doctor; the units and files are looked at under a real systemd.
@Suite(.timeLimit(.minutes(10))) struct `The doctor, asked about a daemon that was started by hand` {
    private static let date = ["date": "Sun, 06 Nov 1994 08:49:37 GMT"]
    /// No recovery key and no backup: so every scene begins.
    private static let usual: Set = ["no-recovery-slot", "no-recent-backup"]

    private static func codes(_ run: CommandRun) throws -> Set<String> {
        Set(try run.document["findings"].items.compactMap { $0["code"].text }).subtracting(usual)
    }

    private static func reasons(_ run: CommandRun) throws -> String {
        try run.document["findings"].items.compactMap { $0["reason"].text }.joined(separator: "\n")
    }

    @Test func `finds nothing where nothing is wrong, and writes nothing`() async throws {
        try await Scene.with { scene in
            let first = try await scene.keyturn.keyturn("doctor", "--json")
            #expect(try first.status == 1 && Self.codes(first) == [], "\(first.output)")
            try await scene.done(["slot", "add", "--passphrase", "--stdin"], input: "correct horse battery staple")
            try await scene.done(["backup", "\(scene.keyturn.folder.path)/a.backup"])
            let entries = try await scene.audit().count
            let well = try await scene.keyturn.keyturn("doctor")
            #expect(well.status == 0 && well.output == "All is well.\n", "\(well.output)\(well.errors)")
            #expect(try await scene.audit().count == entries)
        }
    }

    @Test(arguments: [
        (Fault.status(200, body: #"{"success":true,"configurations":[]}"#, headers: date), "clock-off", "ahead of that of the upstream fb"),
        (.status(503), "upstream-unreachable", "the backend answered 503"),
        (.redirect(to: "https://127.0.0.1/"), "upstream-unreachable", "redirects are never followed"),
        (.status(401), "token-refused", "the backend answered 401"),
        (.resetBeforeEffect, "upstream-unreachable", "reset"),
    ]) func `says what it sees of the backend`(_ fault: Fault, _ code: String, _ words: String) async throws {
        try await Scene.with { scene in
            scene.standIn.order(fault, for: .list)
            let run = try await scene.keyturn.keyturn("doctor", "--json")
            #expect(try run.status == 1 && Self.codes(run) == [code], "\(run.output)")
            #expect(try Self.reasons(run).contains(words), "\(run.output)")
            let again = try await scene.keyturn.keyturn("doctor", "--json")
            #expect(try Self.codes(again) == [], "\(again.output)")
        }
    }

    @Test func `takes a backend without a list for one that is there`() async throws {
        try await Scene.with { scene in
            scene.standIn.order(.status(404), for: .list)
            let run = try await scene.keyturn.keyturn("doctor", "--json")
            #expect(try Self.codes(run) == [], "\(run.output)")
        }
    }

    @Test(arguments: [Options.CertificateKind.expired, .wrongName]) func `trusts no certificate that a rotation would not trust`(
        _ certificate: Options.CertificateKind
    ) async throws {
        try await Scene.with(Scene.Setting { $0.certificate = certificate }) { scene in
            let run = try await scene.keyturn.keyturn("doctor", "--json")
            #expect(try Self.codes(run) == ["certificate-untrusted"], "\(run.output)")
        }
    }

    @Test func `refreshes no token`() async throws {
        try await Scene.with(Scene.Setting { $0.refreshes = true }) { scene in
            let before = scene.standIn.count(of: .refresh)
            let run = try await scene.keyturn.keyturn("doctor", "--json")
            #expect(try Self.codes(run) == [], "\(run.output)")
            #expect(scene.standIn.count(of: .refresh) == before)
        }
    }

    @Test func `tells of a token that expires soon, and of one that was lost`() async throws {
        try await Scene.with(Scene.Setting { $0.refreshes = true }) { scene in
            let expiry = Int(Date.now.addingTimeInterval(2 * 86_400).timeIntervalSince1970)
            let claims = Data("{\"exp\":\(expiry)}".utf8).base64EncodedString().trimmingCharacters(in: ["="])
            let authority = "\(scene.keyturn.folder.path)/\(Scene.upstream).pem"
            let token = "eyJhbGciOiJub25lIn0.\(claims).c2lnbmF0dXJl"
            try await scene.done(
                ["upstream", "set", "soon", "--base-url", scene.standIn.baseURL, "--ca-file", authority, "--token-stdin"], input: token)
            // The backend does not know it besides.
            let soon = try await scene.keyturn.keyturn("doctor", "--json")
            #expect(try Self.codes(soon) == ["token-expires-soon", "token-refused"], "\(soon.output)")
            try await scene.done(["upstream", "remove", "soon", "--yes"])
            scene.standIn.expireBearers()
            scene.standIn.setRefreshTokens([])
            try await scene.rotate()
            let lost = try await scene.keyturn.keyturn("doctor", "--json")
            #expect(try Self.codes(lost).contains("token-lost"), "\(lost.output)")
            #expect(try Self.reasons(lost).contains("the refresh was refused"), "\(lost.output)")
        }
    }

    @Test func `tells of a vault in quarantine, until it is released`() async throws {
        try await Scene.with { scene in
            try await scene.keyturn.terminate()
            try FileManager.default.removeItem(atPath: "\(scene.keyturn.vault).counter")
            try await scene.keyturn.start()
            let older = try await scene.keyturn.keyturn("doctor", "--json")
            #expect(try Self.codes(older) == ["vault-older"], "\(older.output)")
            try await scene.done(["unseal", "--accept-older"])
            let held = try await scene.keyturn.keyturn("doctor", "--json")
            #expect(try Self.codes(held) == ["quarantine", "config-quarantined"], "\(held.output)")
            let step = try held.document["findings"].items.first { $0["code"].text == "quarantine" }?["next_step"].text
            try #require(step == "keyturn release --all")
            try await scene.done(["release", "--all"])
            let released = try await scene.keyturn.keyturn("doctor", "--json")
            #expect(try Self.codes(released) == [], "\(released.output)")
        }
    }

    @Test(.enabled(if: SmallDisk.isPossible, "skipped: a small disk in a mount namespace of its own takes root, unshare(1) and nsenter(1)"))
    func `tells of a full disk`() async throws {
        try await Scene.with { scene in
            try await scene.keyturn.terminate()
            let disk = try await scene.keyturn.moveVault(toDiskOf: 8)
            try await scene.keyturn.start()
            try disk.fill()
            // Nothing has been refused yet: it looks itself.
            let full = try await scene.keyturn.keyturn("doctor", "--json")
            #expect(try Self.codes(full) == ["disk-full"], "\(full.output)")
            disk.makeRoom()
            let roomy = try await scene.keyturn.keyturn("doctor", "--json")
            #expect(try Self.codes(roomy) == [], "\(roomy.output)")
        }
    }

    @Test func `tells of a backup that is too old`() async throws {
        try await Scene.with { scene in
            try await scene.keyturn.terminate()
            let clock = "\(scene.keyturn.folder.path)/clock"
            func shift(by days: Int64) throws {
                try withUnsafeBytes(of: days * 86_400 * 1_000_000_000) { try Data($0).write(to: URL(filePath: clock)) }
            }
            let surroundings = Surroundings {
                var faults = Faults(prefix: scene.keyturn.folder.path)
                faults.clock = clock
                $0.faults = faults
            }
            try shift(by: -9)
            try await scene.keyturn.start(in: surroundings)
            try await scene.done(["backup", "\(scene.keyturn.folder.path)/a.backup"])
            try await scene.keyturn.terminate()
            try shift(by: 0)
            try await scene.keyturn.start(in: surroundings)
            let right = try await scene.keyturn.keyturn("doctor", "--json")
            #expect(try Self.codes(right) == [] && Self.reasons(right).contains("more than 8 days ago"), "\(right.output)")
        }
    }

    @Test func `tells of a daemon that is gone or sealed`() async throws {
        try await Scene.with { scene in
            try await scene.done(["seal"])
            let sealed = try await scene.keyturn.keyturn("doctor", "--json")
            #expect(try sealed.status == 1 && Self.codes(sealed) == ["sealed"], "\(sealed.output)")
            try await scene.keyturn.kill()
            let gone = try await scene.keyturn.keyturn("doctor", "--json")
            #expect(try gone.status == 1 && Self.codes(gone) == ["no-daemon"], "\(gone.output)")
            let nowhere = try await scene.keyturn.keyturn("doctor", "--json", "--socket", "/nonexistent/s")
            #expect(try nowhere.status == 1 && Self.codes(nowhere) == ["no-socket"], "\(nowhere.output)")
        }
    }
}
