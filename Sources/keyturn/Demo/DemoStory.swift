import FlashbackStandIn
import FoundationEssentials

/// The story that the demo tells, step by step, each with what must be true after it.
struct DemoStory {
    let stage: DemoStage
    private let remoteID = UUID().uuidString.lowercased()
    private let keys = Keys()

    /// Made anew for each run. The stand-in's provider turns down what begins with `bad`.
    private struct Keys {
        let first = "sk-demo-" + random()
        let second = "sk-demo-" + random()
        let bad = "bad-demo-" + random()

        private static func random() -> String { UUID().uuidString.replacing("-", with: "").lowercased() }
    }

    private static let config = "openai-prod"

    func tell() async throws -> [DemoStage.Step] {
        stage.backend.addConfiguration(id: remoteID, name: "OpenAI production", key: keys.first)
        var steps: [DemoStage.Step] = []
        steps.append(try await stage.run("init", "--vault", stage.folder.vault))
        stage.tell("A sealed vault, and the key that unlocks it.")
        let daemon = try await stage.startDaemon()
        stage.tell("The daemon found the key, opened the vault and listens on its socket.")
        do {
            steps += try await setUp()
            steps += try await rotate()
            steps += try await rotateToBadKey()
            steps += try await lookBack()
        } catch {
            await stop(daemon)
            throw error
        }
        await stop(daemon)
        try scan()
        return steps
    }

    private func stop(_ daemon: ChildProcess) async {
        daemon.end()
        _ = await daemon.wait()
        // Its connections end with it; the backend shall have seen that before it goes too.
        await stage.backend.waitForConnectionsToClose()
    }

    private func setUp() async throws -> [DemoStage.Step] {
        let ca = try stage.folder.write("ca.pem", stage.backend.caPEM)
        let upstream = try await stage.run(
            "upstream", "set", "fb", "--base-url", stage.backend.baseURL, "--ca-file", ca, "--token-stdin", secret: Options.defaultBearer)
        stage.tell("A backend on this machine, over TLS. Its token came through a pipe and was sealed before it was sent.")
        let config = try await stage.run(
            "config", "set", Self.config, "--upstream", "fb", "--id", remoteID, "--ai-type", "OPENAI", "--every", "30d")
        stage.tell("What is to be rotated, and how often.")
        let adopted = try await stage.run("stage", Self.config, "--as-current", "--stdin", secret: keys.first)
        stage.tell("The key that the backend holds today: the way back, should a new one not work.")
        return [upstream, config, adopted]
    }

    private func rotate() async throws -> [DemoStage.Step] {
        let staged = try await stage.run("stage", Self.config, "--stdin", secret: keys.second)
        stage.tell("The next key waits in the vault.")
        let rotated = try await stage.run("rotate", Self.config)
        try require(keys.second, "after a rotation that succeeded")
        stage.tell("The backend took it and tried it; the old one stays in the vault for its grace of a day.")
        return [staged, rotated]
    }

    private func rotateToBadKey() async throws -> [DemoStage.Step] {
        let staged = try await stage.run("stage", Self.config, "--stdin", secret: keys.bad)
        stage.tell("A key that its provider does not know: somebody made a mistake.")
        let refused = try await stage.run("rotate", Self.config, expecting: .failed)
        try require(keys.second, "after a key that does not work")
        stage.tell("The backend stored it, the proof failed, and the working key was put back and proven.")
        let status = try await stage.run("status", expecting: .failed)
        stage.tell("Nothing is silent: status 1, the reason, and what to do.")
        return [staged, refused, status]
    }

    private func lookBack() async throws -> [DemoStage.Step] {
        let versions = try await stage.run("versions", Self.config)
        stage.tell("Every key has a number and a state; none can be shown.")
        let history = try await stage.run("history", Self.config)
        stage.tell("What was tried, when, by whom, and how it went.")
        return [versions, history]
    }

    /// The stand-in must hold this key now.
    private func require(_ key: String, _ when: String) throws(Failure) {
        guard stage.backend.held(remoteID)?.key == key else { throw .failed("The backend does not hold the key that it should \(when).") }
    }

    /// After the daemon's end, so that all that it ever writes is there.
    private func scan() throws(Failure) {
        let secrets = [keys.first, keys.second, keys.bad, Options.defaultBearer]
        let result = try SecretScan(for: secrets).search(stage.folder.path)
        guard result.found.isEmpty else { throw .failed("A secret is readable in \(result.found.joined(separator: ", ")).") }
        guard result.files > 0 else { throw .failed("The vault has no files.") }
        stage.tell(
            "Searched the vault's files and the daemon's log (\(result.files) files, \(result.bytes >> 10) KiB) for the three keys and the token: nowhere, neither plain nor in base64 nor in hex."
        )
    }
}
