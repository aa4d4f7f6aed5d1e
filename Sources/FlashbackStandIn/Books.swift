/// All that the stand-in knows and remembers. Takes a request, does what it asks unless an order says otherwise, and returns what to answer.
struct Books {
    var configurations: [String: Held] = [:]
    /// In the order in which they were added, which is the order of the list.
    var order: [String] = []
    var orders: [Order] = []
    var bearers: Set<String>
    var refreshTokens: Set<String>
    private(set) var received: [Received] = []
    private(set) var counts: [Call: Int] = [:]
    /// Requests whose connection is gone and whose effect is still to come.
    private(set) var stragglers = 0
    private var tokensMade = 0
    private let options: Options

    init(_ options: Options) {
        self.options = options
        bearers = options.bearers
        refreshTokens = options.refreshTokens
    }

    /// A request as it came off the wire.
    struct Incoming {
        let method: String
        let uri: String
        let bearer: String?
        let body: [UInt8]
        let connection: Int
    }

    mutating func add(_ held: Held) {
        if configurations[held.id] == nil { order.append(held.id) }
        configurations[held.id] = held
    }

    mutating func take(_ incoming: Incoming) -> Plan {
        let (call, id) = Route.of(incoming.method, incoming.uri)
        let body = JSONValue.fields(of: incoming.body)
        let isAuthorized = call == .refresh || incoming.bearer.map(bearers.contains) == true
        var fields: [String: String] = [:]
        for case (let name, .string(let text)) in body ?? [:] { fields[name] = text }
        counts[call, default: 0] += 1

        let request = Request(call: call, id: id, uri: incoming.uri, body: body, fields: fields)
        let (plan, tookEffect) = isAuthorized ? judge(request) : (.reply(.refusal(401, "Unauthorized")), false)
        guard options.receivedMax > 0 else { return plan }
        if received.count >= options.receivedMax { received.removeFirst(max(received.count / 2, 1)) }
        received.append(
            Received(
                call: call, id: id, at: .now, connection: incoming.connection, method: incoming.method, uri: incoming.uri,
                bearerWasAccepted: isAuthorized && call != .refresh, fields: fields, tookEffect: tookEffect))
        return plan
    }

    struct Request: Sendable {
        let call: Call
        let id: String?
        let uri: String
        let body: [String: JSONValue]?
        let fields: [String: String]
    }

    private mutating func nextFault(_ call: Call, _ id: String?) -> Fault? {
        guard let index = orders.firstIndex(where: { $0.matches(call, id) }) else { return nil }
        let fault = orders[index].fault
        if orders[index].times != .max { orders[index].times -= 1 }
        if orders[index].times <= 0 { orders.remove(at: index) }
        return fault
    }

    private mutating func judge(_ request: Request) -> (Plan, tookEffect: Bool) {
        guard let fault = nextFault(request.call, request.id) else { return done(request) { .reply($0) } }
        switch fault {
        case .status(let status, let body, let headers):
            var answer = Self.answer(status, body)
            answer.headers.merge(headers) { $1 }
            return (.reply(answer), false)
        case .statusAfterEffect(let status, let body): return done(request) { _ in .reply(Self.answer(status, body)) }
        case .retryAfter(let seconds, let status):
            var answer = Answer.refusal(status, "Slow down")
            answer.headers["retry-after"] = String(seconds)
            return (.reply(answer), false)
        case .successFalse(let message, let stores):
            let answer = Answer.refusal(200, message)
            return stores ? done(request) { _ in .reply(answer) } : (.reply(answer), false)
        case .emptyBody: return done(request) { _ in .reply(Answer(status: 200)) }
        case .noSuccess: return done(request) { _ in .reply(.json(200, ["message": .string("Done")])) }
        case .html:
            return (
                .reply(Answer(status: 200, headers: ["content-type": "text/html"], body: Array("<html><body>Sign in</body></html>".utf8))),
                false
            )
        case .overlong:
            let answer = Answer.json(200, ["success": .bool(true), "message": .string(String(repeating: "x", count: 70_000))])
            return done(request) { _ in .reply(answer) }
        case .otherID:
            return (.reply(.json(200, ["success": .bool(true), "aiLlmId": .string("00000000-0000-0000-0000-00000000dead")])), false)
        case .redirect(let target): return (.reply(Answer(status: 307, headers: ["location": target])), false)
        case .resetBeforeEffect: return (.reset, false)
        case .resetAfterEffect: return done(request) { _ in .reset }
        case .landLate(let delay):
            stragglers += 1
            return (.resetAndLand(request, after: delay), false)
        case .hangBeforeEffect: return (.closeOnRelease, false)
        case .hangAfterEffect: return done(request) { _ in .closeOnRelease }
        case .delay(let duration): return done(request) { .replyLater($0, after: duration) }
        case .echoKey: return (.reply(.refusal(400, Self.echo(request.fields))), false)
        case .endlessBody: return done(request) { _ in .replyWithoutEnd }
        case .slowBody: return done(request) { .replySlowly($0) }
        case .gate: return done(request) { .replyOnRelease($0) }
        }
    }

    private static func answer(_ status: Int, _ body: String?) -> Answer {
        guard let body else { return (200...299).contains(status) ? Answer(status: status) : .refusal(status, "Ordered to fail") }
        return Answer(status: status, headers: ["content-type": "application/json"], body: Array(body.utf8))
    }

    private static func echo(_ fields: [String: String]) -> String {
        let quoted = ["key", "secret", "refreshToken"].compactMap { fields[$0] }
        return "Not taken: " + quoted.map { "\($0) (base64 \(Base64.text(Array($0.utf8))))" }.joined(separator: ", ")
    }

    // MARK: What the contract says

    private mutating func done(_ request: Request, _ plan: (Answer) -> Plan) -> (Plan, tookEffect: Bool) {
        let (answer, tookEffect) = perform(request)
        return (plan(answer), tookEffect)
    }

    private mutating func perform(_ request: Request) -> (Answer, tookEffect: Bool) {
        switch request.call {
        case .put: put(request)
        case .validate: (validate(request), false)
        case .list: (list(request), false)
        case .refresh: refresh(request)
        case .any: (.refusal(404, "Not found"), false)
        }
    }

    /// A straggler arrives.
    mutating func land(_ request: Request) {
        stragglers -= 1
        _ = perform(request)
    }

    private mutating func put(_ request: Request) -> (Answer, tookEffect: Bool) {
        guard let id = request.id, var held = configurations[id] else { return (.refusal(404, "Configuration not found"), false) }
        guard let body = request.body else { return (.refusal(400, "The body is not a JSON object"), false) }
        for (name, value) in body {
            // Whether null or an empty string would clear a field is not documented: a caller that sends them is wrong.
            guard case .string(let text) = value, !text.isEmpty else { return (.refusal(400, "\(name) must be a non-empty string"), false) }
            switch name {
            case "name":
                guard !configurations.values.contains(where: { $0.id != id && $0.workspaceID == held.workspaceID && $0.name == text })
                else {
                    return (.refusal(400, "The name is taken"), false)
                }
                held.name = text
            case "aiType":
                guard ["OPENAI", "GOOGLE", "ANTHROPIC", "AWS", "OTHER"].contains(text) else {
                    return (.refusal(400, "Unknown aiType"), false)
                }
                held.aiType = text
            case "endpoint":
                guard text.hasPrefix("https://") || text.hasPrefix("http://") else {
                    return (.refusal(400, "endpoint must be a URL"), false)
                }
                held.endpoint = text
            case "key": held.key = text
            case "secret": held.secret = text
            default: return (.refusal(400, "Unknown field \(name)"), false)
            }
        }
        configurations[id] = held
        return (.json(200, ["success": .bool(true), "aiLlmId": .string(id), "message": .string("Configuration updated")]), true)
    }

    private func validate(_ request: Request) -> Answer {
        guard let id = request.id, let held = configurations[id] else { return .refusal(404, "Configuration not found") }
        let works = options.providerAccepts(held.key, held.secret)
        return .json(
            200, ["success": .bool(works), "message": .string(works ? "The provider accepts it" : "The provider does not accept it")])
    }

    private func list(_ request: Request) -> Answer {
        let workspace = request.uri.split(separator: "?").dropFirst().first?.split(separator: "&").first { $0.hasPrefix("workspaceId=") }?
            .dropFirst("workspaceId=".count)
        let entries = order.compactMap { configurations[$0] }.filter { workspace == nil || $0.workspaceID == workspace.map(String.init) }
        return .json(200, ["success": .bool(true), "aiLlms": .array(entries.map(\.listed))])
    }

    private mutating func refresh(_ request: Request) -> (Answer, tookEffect: Bool) {
        let token: String? =
            switch options.refreshField {
            case .camelCase: request.fields["refreshToken"]
            case .snakeCase: request.fields["refresh_token"]
            case .either: request.fields["refreshToken"] ?? request.fields["refresh_token"]
            }
        guard let token else { return (.refusal(400, "A refresh token is required"), false) }
        guard refreshTokens.remove(token) != nil else { return (.refusal(401, "The refresh token is not valid"), false) }
        tokensMade += 1
        let expiry = Token.now + Int(options.tokenLifetime.components.seconds)
        let access = Token.access(number: tokensMade, expiry: expiry)
        let next = "stand-in-refresh-\(tokensMade)"
        bearers.insert(access)
        refreshTokens.insert(next)
        return (
            .json(
                200, ["success": .bool(true), "accessToken": .string(access), "refreshToken": .string(next), "expiresAt": .number(expiry)]),
            true
        )
    }
}

extension Held {
    /// As the list shows it: credentials never come back.
    fileprivate var listed: JSONValue {
        var fields: [String: JSONValue] = [
            "id": .string(id), "orgId": .string("org"), "userId": .string("user"), "name": .string(name), "aiType": .string(aiType),
            "key": .null, "createdAt": .string("2026-01-01T00:00:00.000Z"), "repos": .array([]),
        ]
        fields["workspaceId"] = workspaceID.map { .string($0) }
        fields["endpoint"] = endpoint.map { .string($0) } ?? .null
        fields["apiKeyId"] = apiKeyID.map { .string($0) }
        return .object(fields)
    }
}
