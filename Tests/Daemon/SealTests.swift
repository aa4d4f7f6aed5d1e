import FlashbackStandIn
import Foundation
import TestProcesses
import Testing

@Suite(.timeLimit(.minutes(10))) struct `Sealing and unsealing` {
    @Test func `while sealed nothing can be read or rotated, and that is exit 6`() async throws {
        try await Scene.with { scene in
            try await scene.done(["seal"])
            for command in [
                ["rotate", Scene.config], ["stage", Scene.config, "--stdin"], ["config", "list"], ["versions", Scene.config], ["history"],
                ["audit"],
                ["intake-key"], ["upstream", "list"], ["rotate", "--all-due"],
            ] {
                let run = try await scene.keyturn.keyturn(command + ["--json"], input: "something")
                #expect(run.status == 6, "\(command): \(run.errors)")
                #expect(try run.problem.code == "sealed" && run.problem["detail"].text == "The vault was sealed by hand (keyturn seal).")
                #expect(try run.problem["next_step"].text == "keyturn unseal")
            }
            // Sealing what is sealed is done already.
            try await scene.done(["seal"])
            let status = try await scene.keyturn.keyturn("status", "--json")
            #expect(status.status == 6)
            #expect(try status.document["sealed"].bool == true && status.document["next_step"].text == "keyturn unseal")
            #expect(try await scene.keyturn.call("GET", "/healthz").status == 200)
            #expect(try await scene.keyturn.call("GET", "/readyz").status == 503)
            #expect(try await scene.keyturn.keyturn("whoami").status == 0)

            try await scene.done(["unseal"])
            #expect(try await scene.keyturn.call("GET", "/readyz").status == 200)
            #expect(try await scene.rotate().status == 0)
            let events = try await scene.audit().compactMap { $0["event"].text }
            #expect(events.contains("vault.sealed") && events.filter { $0 == "vault.unsealed" }.count == 2)
        }
    }

    @Test func `a rotation under way stops at a durable point and goes on after the unsealing`() async throws {
        try await Scene.with(.patient) { scene in
            scene.standIn.order(.gate, for: .put)
            let rotation = try scene.beginRotating()
            await scene.standIn.waitFor(1, of: .put)
            let sealing = try scene.keyturn.begin(["seal"])
            try await scene.until("the sealing is recorded") {
                try await scene.keyturn.call("GET", "/v1/audit?limit=1000").body.contains("vault.sealed")
            }
            scene.standIn.release()
            #expect(try await sealing.result().status == 0)
            // It may have heard of its end just before.
            _ = try await rotation.result()
            #expect(try await scene.keyturn.keyturn("status").status == 6)
            try await scene.done(["unseal"])
            try await scene.rotation(in: "succeeded")
            #expect(scene.held == "new")
            #expect(try await scene.versions() == [1: "previous", 2: "current"])
        }
    }
}

/// What can be wrong with a vault and its key: the daemon starts all the same, sealed, and says why.
@Suite(.timeLimit(.minutes(10))) struct `A vault that can't be opened` {
    enum Trouble: String, Sendable, CaseIterable {
        case missing = "vault-missing"
        case folderTooOpen = "vault-too-open"
        case fileTooOpen = "vault-too-open "
        case newerFile = "vault-newer"
        case newerFormat = "vault-newer "
        case notOurs = "not-a-vault"
        case garbage = "not-a-vault "
        case wrongKey = "wrong-key"
        case noKey = "no-key"
        case keyTooOpen = "bad-key-file"
        case keyTooShort = "bad-key-file "

        var code: String { rawValue.trimmingCharacters(in: .whitespaces) }

        func bring(to keyturn: Installation) throws {
            let database = "\(keyturn.vault)/vault.db"
            switch self {
            case .missing: break
            case .folderTooOpen: chmod(keyturn.vault, 0o750)
            case .fileTooOpen: chmod(database, 0o640)
            case .newerFile: try SQLite.run(database, "PRAGMA user_version = 99")
            case .newerFormat:
                try SQLite.run(
                    database,
                    "UPDATE record SET value = CAST(replace(CAST(value AS TEXT), '\"format\":2', '\"format\":3') AS BLOB) WHERE key = x'01'"
                )
            case .notOurs: try SQLite.run(database, "PRAGMA application_id = 1")
            case .garbage: try keyturn.folder.file("vault/vault.db", Array("this is no database, and never was one".utf8))
            case .wrongKey: try keyturn.folder.file("vault.key", [UInt8](repeating: 1, count: 32))
            case .noKey: try FileManager.default.removeItem(atPath: keyturn.keyFile)
            case .keyTooOpen: chmod(keyturn.keyFile, 0o644)
            case .keyTooShort: try keyturn.folder.file("vault.key", [UInt8](repeating: 1, count: 31))
            }
        }

        /// The key, and the database as SQLite reads it where it is one.
        func content(of keyturn: Installation) throws -> [String] {
            let database = "\(keyturn.vault)/vault.db"
            guard let bytes = FileManager.default.contents(atPath: database) else { return [] }
            let key = FileManager.default.contents(atPath: keyturn.keyFile)?.base64EncodedString() ?? "none"
            return [key, self == .garbage ? bytes.base64EncodedString() : try SQLite.run(database, ".dump")]
        }

        func expectUntouched(_ keyturn: Installation, since before: [String]) throws {
            let now = try content(of: keyturn)
            #expect(now == before)
        }
    }

    @Test(arguments: Trouble.allCases) func `starts sealed, says why, and opens once it is mended`(_ trouble: Trouble) async throws {
        try await Installation.with { keyturn in
            if trouble != .missing {
                try await keyturn.initialise()
                try trouble.bring(to: keyturn)
            }
            let before = try trouble.content(of: keyturn)
            try await keyturn.start()
            let status = try await keyturn.keyturn("status", "--json")
            #expect(status.status == 6)
            let code = try status.document["sealed_code"].text
            #expect(code == trouble.code)
            #expect(try status.document["sealed_reason"].text?.isEmpty == false)
            #expect(try status.document["next_step"].text?.isEmpty == false)
            let unseal = try await keyturn.keyturn("unseal", "--json")
            #expect(unseal.status == 6)
            #expect(try unseal.problem.code == "sealed" && unseal.problem["detail"].text == status.document["sealed_reason"].text)
            #expect(keyturn.log.contains(try status.document["sealed_reason"].text ?? "?"), "the log says it too")
            for command in [["rotate", "a"], ["stage", "a", "--stdin"], ["intake-key"], ["config", "list"], ["backup", "-"]] {
                let refused = try await keyturn.keyturn(command + ["--json"], input: "something")
                #expect(refused.status == 6)
                for (field, shown) in [("detail", "sealed_reason"), ("next_step", "next_step")] {
                    #expect(try refused.problem[field].text == status.document[shown].text, "\(command) says what status says")
                }
            }
            try trouble.expectUntouched(keyturn, since: before)
            if trouble == .keyTooOpen { chmod(keyturn.keyFile, 0o600) }
            let shown = try await keyturn.keyturn("status", "--socket", keyturn.socket).output
            let step = try #require(shown.firstRange(of: "  try: ").map { shown[$0.upperBound...].prefix { $0 != "\n" } })
            let pasted = try await keyturn.shell(String(step))
            #expect(pasted.status == 0 || pasted.status == 6 && step.hasSuffix(" unseal"), "\(step): \(pasted.errors)")
            if [.missing, .keyTooOpen, .folderTooOpen, .fileTooOpen].contains(trouble) {
                #expect(try await keyturn.keyturn("unseal").status == 0)
                #expect(try await keyturn.keyturn("status").status == 0)
            }
        }
    }

    @Test(arguments: ["vault.counter", "vault.key"]) func `one that is gone is not to be made anew, as long as something is left of it`(
        _ left: String
    ) async throws {
        try await Installation.with { keyturn in
            try await keyturn.initialise()
            try await keyturn.start()
            try await keyturn.terminate()
            for name in ["vault", "vault.counter", "vault.key"] where name != left {
                try FileManager.default.removeItem(atPath: "\(keyturn.folder.path)/\(name)")
            }
            try await keyturn.start()
            let status = try await keyturn.keyturn("status", "--json").document
            #expect(status["sealed_code"].text == "vault-missing" && status["next_step"].text == "keyturn help restore", "\(status)")
            #expect(status["sealed_reason"].text?.contains("\(keyturn.folder.path)/\(left), is still there") == true, "\(status)")
        }
    }

    @Test func `one that another daemon uses stays closed, and opens when that one is gone`() async throws {
        try await Installation.with { keyturn in
            try await keyturn.initialise()
            try await keyturn.start()
            let second = "\(keyturn.folder.path)/second.sock"
            let process = try ChildProcess(
                Programs.keyturnd, ["--vault", keyturn.vault, "--socket", second], environment: Programs.environment,
                output: keyturn.logFile, errors: keyturn.logFile)
            let end = ContinuousClock.now + .seconds(60)
            var code: String?
            while ContinuousClock.now < end, code != "vault-in-use" {
                code = RawCall.isServed(second) ? try await RawCall.send("GET", "/v1/status", to: second).document["sealed_code"].text : nil
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(code == "vault-in-use")
            #expect(keyturn.log.contains("Another process uses the vault"))
            try await keyturn.kill()
            #expect(try await RawCall.send("POST", "/v1/unseal", to: second).status == 200)
            process.send(SIGTERM)
            #expect(try await process.ended() == .exited(0))
        }
    }

    @Test func `the recovery key opens it in place of a lost unlock key`() async throws {
        try await Installation.with { keyturn in
            let recovery = "\(keyturn.folder.path)/recovery.key"
            let publicKey = try #require(try await keyturn.keyturn("recovery-key", recovery, "--json").document["public_key"].text)
            #expect(try await keyturn.keyturn("init", "--vault", keyturn.vault, "--recovery", publicKey).status == 0)
            try await keyturn.start(["--key-file", recovery])
            #expect(try await keyturn.keyturn("status").status == 0)
        }
    }

    @Test func `init never overwrites`() async throws {
        try await Installation.with { keyturn in
            let key = [UInt8](repeating: 7, count: 32)
            try keyturn.folder.file("vault.key", key)
            try await keyturn.initialise()
            let before = keyturn.folder.files().filter { $0.key.hasPrefix("vault") }
            #expect(before["vault.key"] == key, "an existing key file is used")
            let again = try await keyturn.keyturn("init", "--vault", keyturn.vault)
            #expect(again.status == 1 && again.errors.contains("nothing was overwritten"))
            #expect(keyturn.folder.files().filter { $0.key.hasPrefix("vault") } == before)
        }
    }
}

@Suite(.timeLimit(.minutes(10))) struct `A socket that is taken` {
    @Test func `a second daemon ends with 78, and the first goes on`() async throws {
        try await Installation.with { keyturn in
            try await keyturn.initialise()
            try await keyturn.start()
            let first = try #require(keyturn.daemon)
            let second = try keyturn.launch()
            #expect(try await second.ended() == .exited(78))
            #expect(keyturn.log.contains("is served already"))
            #expect(first.ending == nil)
            #expect(try await keyturn.keyturn("status").status == 0)
            first.send(SIGKILL)
            _ = try await first.ended()
        }
    }

    @Test func `a file in its place is left alone`() async throws {
        try await Installation.with { keyturn in
            try await keyturn.initialise()
            try keyturn.folder.file("d.sock", Array("precious".utf8))
            let daemon = try keyturn.launch()
            #expect(try await daemon.ended() == .exited(78))
            #expect(keyturn.folder.files()["d.sock"] == Array("precious".utf8))
        }
    }

    @Test func `without a daemon every command is exit 4`() async throws {
        try await Installation.with { keyturn in
            for command in [["status"], ["rotate", "a"], ["config", "list"], ["watch"], ["stage", "a", "--stdin"]] {
                let run = try await keyturn.keyturn(command + ["--json", "--socket", keyturn.socket], input: "x")
                #expect(run.status == 4, "\(command)")
                #expect(try run.problem.code == "unreachable")
            }
        }
    }
}
