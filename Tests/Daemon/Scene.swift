import FlashbackStandIn
import Foundation
import Glibc
import Synchronization
import TestProcesses
import Testing

/// What most tests begin with: a backend over TLS that holds a key, a daemon that knows it, and the next key staged.
/// Every key and token in it is a canary, and when the test is over all that can be seen is searched for them.
final class Scene: Sendable {
    let standIn: StandIn
    let keyturn: Installation
    /// What the backend holds when the scene begins.
    let old: Canary
    /// What is staged.
    let new: Canary
    let bearer: Canary
    private let others = Mutex<Set<Canary>>([])

    static let config = "openai-prod"
    static let upstream = "fb"
    static let remoteID = "550e8400-e29b-41d4-a716-446655440000"

    /// What a scene begins with, where it is not the usual.
    struct Setting: Sendable {
        /// Whether the key that the backend holds is known here, so that there is a way back.
        var knowsOld = true
        /// The provider takes every key but those that begin with `bad`.
        var newKey = "key"
        var stages = true
        var grace: String? = nil
        var proves = true
        var settings = Installation.quickSettings
        var certificate = Options.CertificateKind.valid
        var refreshes = false
        /// Whether each key has a secret with it.
        var hasSecrets = false

        init(_ change: (inout Setting) -> Void = { _ in }) { change(&self) }

        /// Where the test holds the backend's answers back.
        static let patient = Setting { $0.settings = Installation.patientSettings }
    }

    private init(standIn: StandIn, keyturn: Installation, old: Canary, new: Canary, bearer: Canary) {
        self.standIn = standIn
        self.keyturn = keyturn
        self.old = old
        self.new = new
        self.bearer = bearer
    }

    static func with(_ setting: Setting = Setting(), _ body: @escaping (Scene) async throws -> Void) async throws {
        let bearer = Canary(bearer: "tok")
        var options = Options()
        options.bearers = [bearer.text]
        options.refreshTokens = [bearer.text]
        options.certificate = setting.certificate
        let standIn = try await StandIn.start(options)
        do {
            try await Installation.with(settings: setting.settings) { installation in
                let scene = Scene(
                    standIn: standIn, keyturn: installation, old: Canary(key: "old"), new: Canary(key: setting.newKey), bearer: bearer)
                standIn.addConfiguration(id: remoteID, name: "production", key: scene.old.text)
                try await scene.setUp(setting)
                try await body(scene)
                scene.expectNoSecretOut()
            }
        } catch {
            await standIn.stop()
            throw error
        }
        await standIn.stop()
    }

    private func setUp(_ setting: Setting) async throws {
        try await keyturn.initialise()
        try await keyturn.start()
        try await addUpstream(refreshes: setting.refreshes)
        try await addConfig(Self.config, id: Self.remoteID, grace: setting.grace, proves: setting.proves)
        if setting.knowsOld { try await stage(old, setting.hasSecrets ? Canary(key: "sec") : nil, "--as-current") }
        if setting.stages { try await stage(new, setting.hasSecrets ? Canary(key: "sec") : nil) }
    }

    func addUpstream(_ name: String = upstream, at backend: StandIn? = nil, refreshes: Bool = false) async throws {
        let backend = backend ?? standIn
        let authority = try keyturn.folder.file("\(name).pem", Array(backend.caPEM.utf8))
        try await done(
            [
                "upstream", "set", name, "--base-url", backend.baseURL, "--ca-file", authority,
                refreshes ? "--refresh-token-stdin" : "--token-stdin",
            ],
            input: bearer.text)
    }

    func addConfig(
        _ name: String, id: String, upstream: String = upstream, grace: String? = nil, proves: Bool = true
    ) async throws {
        var arguments = ["config", "set", name, "--upstream", upstream, "--id", id, "--ai-type", "OPENAI"]
        if let grace { arguments += ["--grace", grace] }
        if !proves { arguments.append("--no-prove") }
        try await done(arguments)
    }

    func stage(_ key: Canary, _ secret: Canary? = nil, for config: String = config, _ flags: String...) async throws {
        for canary in [key, secret].compactMap(\.self) { remember(canary) }
        let input = secret.map { #"{"key":\#(quoted(key.text)),"secret":\#(quoted($0.text))}"# } ?? key.text + "\n"
        try await done(["stage", config, "--stdin"] + flags, input: input)
    }

    func remember(_ canary: Canary) {
        _ = others.withLock { $0.insert(canary) }
    }

    /// A command of the scene's making, which must work.
    func done(_ arguments: [String], input: String = "") async throws {
        let run = try await keyturn.keyturn(arguments, input: input)
        try #require(run.status == 0, "keyturn \(arguments.joined(separator: " ")): \(run.errors)")
    }

    // MARK: Asking

    /// A rotation that goes on while the test does something else.
    func beginRotating(_ flags: String..., config: String = config) throws -> Installation.Begun {
        try keyturn.begin(["rotate", config, "--json"] + flags)
    }

    @discardableResult
    func rotate(_ flags: String..., config: String = config) async throws -> CommandRun {
        try await keyturn.keyturn(["rotate", config, "--json"] + flags)
    }

    /// Version numbers and their states.
    func versions(_ config: String = config) async throws -> [Int: String] {
        let items = try await keyturn.keyturn("versions", config, "--json").document["items"].items
        return Dictionary(uniqueKeysWithValues: items.map { ($0["version"].number ?? 0, $0["state"].text ?? "?") })
    }

    func version(_ number: Int, of config: String = config) async throws -> Document {
        let items = try await keyturn.keyturn("versions", config, "--json").document["items"].items
        return try #require(items.first { $0["version"].number == number })
    }

    func audit() async throws -> [Document] {
        try await keyturn.keyturn("audit", "--json").document["items"].items
    }

    /// Which of the scene's keys the backend holds.
    var held: String? { held(Self.remoteID) }

    func held(_ id: String, at backend: StandIn? = nil) -> String? {
        switch (backend ?? standIn).held(id)?.key {
        case old.text: "old"
        case new.text: "new"
        case let other: other
        }
    }

    /// The latest rotation of a config, once it is as wanted; asked again for a while.
    @discardableResult
    func rotation(of config: String = config, in state: String, within time: Duration = .seconds(60)) async throws -> Document {
        let end = ContinuousClock.now + time
        while true {
            let page = try await keyturn.call("GET", "/v1/rotations?config=\(config)&limit=1").document
            if let rotation = page["items"].items.first, rotation["state"].text == state { return rotation }
            guard ContinuousClock.now < end else { throw TookTooLong(what: "no rotation of \(config) in state \(state): \(page)") }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Looks again and again, for a while, until something is so.
    func until(_ what: String, within time: Duration = .seconds(60), _ isSo: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + time
        while try await !isSo() {
            guard ContinuousClock.now < end else { throw TookTooLong(what: what) }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    struct TookTooLong: Error { let what: String }

    // MARK: Secrets

    /// Tokens that the backend gave out belong to it, too.
    var search: CanarySearch { search() }

    /// `keys`: bytes that are looked for as well.
    func search(keys: [String: [UInt8]] = [:]) -> CanarySearch {
        let tokens = standIn.bearers.union(standIn.refreshTokens).map(Canary.init(text:))
        return CanarySearch(others.withLock { $0 }.union([old, new, bearer]).union(tokens), keys: keys)
    }

    func expectNoSecretOut(sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(search.findings(in: keyturn.whatCanBeSeen()) == [], sourceLocation: sourceLocation)
    }
}
