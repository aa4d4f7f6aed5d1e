import ArgumentParser
import FoundationEssentials
import KeyturnClient
import KeyturnWire

struct UpstreamSetCommand: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Make an upstream, or change what is given of one.",
        discussion: """
            What is not given stays as it is. A new URL, CA or pin drops the stored bearer: it was given for the old one.

            Examples:
              keyturn upstream set fb --base-url https://be.example.com --token-stdin
              keyturn upstream set fb --token-stdin < new-token
            """)

    @Argument(help: "Name of the upstream.", completion: .upstreams) var name: String
    @Option(name: .customLong("base-url"), help: ArgumentHelp("Where the backend is; needed for a new one.", valueName: "url")) var baseURL:
        String?
    @Option(
        help: ArgumentHelp("PEM certificates to trust in place of the system's; '' for the system's again.", valueName: "file"),
        completion: .file())
    var caFile: String?
    @Option(help: ArgumentHelp("SHA-256 of the server certificate's public key, in hex; '' for none again.", valueName: "sha256")) var pin:
        String?
    @Flag(inversion: .prefixedNo, help: "Plain HTTP, to a loopback address only.") var allowPlainHTTP: Bool?
    @Option(
        name: .customLong("workspace-id"),
        help: ArgumentHelp("Sent along where the backend's list wants one; '' for none again.", valueName: "id"))
    var workspaceID: String?
    @Flag(help: "Read a bearer token from standard input; on a terminal it asks without echo.") var tokenStdin = false
    @Flag(help: "The same for a refresh token, which the daemon renews by itself.") var refreshTokenStdin = false
    @Option(help: ArgumentHelp("Take a token from 'keyturn encrypt --for-upstream'.", valueName: "file"), completion: .file()) var sealed:
        String?
    @Option(help: ArgumentHelp("Seal to this intake key only.", valueName: "key")) var intakeKey: String?
    @OptionGroup(title: "Global options") var flags: GlobalFlags

    func perform(_ context: Context) async throws -> CommandExit {
        let name = try Checked.upstream(name)
        guard [tokenStdin, refreshTokenStdin, sealed != nil].count(where: { $0 }) <= 1 else {
            throw Failure.usage("--token-stdin, --refresh-token-stdin and --sealed exclude each other.")
        }
        let existing = try await context.existing { () throws(ClientError) in try await context.daemon.upstream(name) }
        var body = try merged(with: existing?.body)
        if let value = try await bearer(for: name, context) {
            body.encryptedValue = value.encryptedValue
            body.keyID = value.keyID
        }
        let upstream = try await context.daemon.putUpstream(name, body, ifMatch: existing?.etag).body
        context.console.show(upstream) {
            context.console.done("Upstream \(name) \(existing == nil ? "made" : "changed").")
            guard upstream.bearer == "none" else { return }
            context.console.note(
                existing.map { $0.body.bearer != "none" } == true
                    ? "Its bearer was dropped: it was given for another address or another trust." : "It has no bearer yet.")
            context.console.hint("keyturn upstream set \(name) --token-stdin")
        }
        return .done
    }

    func merged(with existing: Upstream?) throws(Failure) -> PutUpstream {
        let allowsPlainHTTP = allowPlainHTTP ?? existing?.allowPlainHTTP ?? false
        let url = try baseURL.map { text throws(Failure) in try Checked.baseURL(text, allowsPlainHTTP: allowsPlainHTTP) }
        guard let url = url ?? existing?.baseURL else {
            throw .usage("There is no upstream of this name yet; a new one needs --base-url.")
        }
        var body = PutUpstream(
            baseURL: url, caPEM: existing?.caPEM, pinSHA256: existing?.pinSHA256, allowPlainHTTP: allowsPlainHTTP,
            workspaceID: existing?.workspaceID)
        if let caFile { body.caPEM = caFile.isEmpty ? nil : try Self.certificates(caFile) }
        if let pin { body.pinSHA256 = pin.isEmpty ? nil : try Checked.pin(pin) }
        if let workspaceID { body.workspaceID = workspaceID.isEmpty ? nil : workspaceID }
        return body
    }

    private static func certificates(_ path: String) throws(Failure) -> String {
        let text = String(decoding: try LocalFile.read(path), as: UTF8.self)
        guard text.contains("-----BEGIN CERTIFICATE-----") else { throw .usage("'\(path)' holds no PEM certificate.") }
        guard !text.contains("PRIVATE KEY-----") else { throw .usage("'\(path)' holds a private key, which must not leave it.") }
        return text
    }

    private func bearer(for name: String, _ context: Context) async throws -> SealedValue? {
        if let sealed { return try context.sealedValue(file: sealed) }
        guard tokenStdin || refreshTokenStdin else { return nil }
        let kind: BearerToken.Kind = tokenStdin ? .access : .refresh
        // The key first: nobody types a secret only to hear that the daemon is down.
        let key = try await context.intakeKey(pin: intakeKey)
        let source = SecretSource.standardInput(prompt: kind == .access ? "Bearer token of \(name)" : "Refresh token of \(name)")
        return try Envelope(purpose: .upstreamToken, target: name).seal(BearerToken(kind, try source.read()), to: key)
    }
}

extension Context {
    /// What a change starts from; `nil` where there is nothing of that name.
    func existing<Body>(_ get: () async throws(ClientError) -> Reply<Body>) async throws(ClientError) -> Reply<Body>? {
        do {
            return try await get()
        } catch .problem(let problem) where problem.status == 404 {
            return nil
        }
    }
}
