import FlashbackStandIn
import Foundation
import Secrets
import TestProcesses
import Testing

/// What a caller can get wrong. Each gets one sentence that names the field, a stable code and its status, and changes nothing.
@Suite(.timeLimit(.minutes(10))) struct `A bad request` {
    struct Row: Sendable {
        let method: String
        let target: String
        let body: String?
        var headers: [String] = []
        let status: Int
        let code: String
        /// What the sentence must name.
        let names: String

        init(_ method: String, _ target: String, _ body: String?, _ status: Int, _ code: String, names: String, headers: [String] = []) {
            self.method = method
            self.target = target
            self.body = body
            self.headers = headers
            self.status = status
            self.code = code
            self.names = names
        }
    }

    static let config = "/v1/configs/new-one"
    static let known = "/v1/configs/openai-prod"
    static let long = String(repeating: "n", count: 64)

    static func binding(_ fields: String) -> String {
        #"{"upstream":"fb","remote_id":"x","ai_type":"OPENAI"\#(fields.isEmpty ? "" : ",")\#(fields)}"#
    }

    static let bodies: [Row] = [
        Row("PUT", config, "{", 400, "bad-request", names: "not valid JSON"),
        Row("PUT", config, "[]", 400, "bad-request", names: "JSON object"),
        Row("PUT", config, "\"text\"", 400, "bad-request", names: "JSON object"),
        Row("PUT", config, nil, 400, "bad-request", names: "'upstream' is missing"),
        Row("PUT", config, "{}", 400, "bad-request", names: "'upstream' is missing"),
        Row("PUT", config, #"{"upstream":"fb","ai_type":"OPENAI"}"#, 400, "bad-request", names: "'remote_id' is missing"),
        Row("PUT", config, #"{"upstream":"fb","remote_id":"x"}"#, 400, "bad-request", names: "'ai_type' is missing"),
        Row("PUT", config, binding(#""evry_seconds":1"#), 400, "bad-request", names: "'evry_seconds'"),
        Row("PUT", config, binding(#""every_seconds":"30d""#), 400, "bad-request", names: "'every_seconds' must be a whole number"),
        Row("PUT", config, binding(#""every_seconds":1.5"#), 400, "bad-request", names: "every_seconds"),
        Row("PUT", config, binding(#""every_seconds":1e30"#), 400, "bad-request", names: "every_seconds"),
        Row("PUT", config, binding(#""every_seconds":9223372036854775807"#), 400, "bad-request", names: "every_seconds"),
        Row("PUT", config, binding(#""every_seconds":59"#), 400, "bad-request", names: "every_seconds"),
        Row("PUT", config, binding(#""every_seconds":-1"#), 400, "bad-request", names: "every_seconds"),
        Row("PUT", config, binding(#""grace_seconds":-1"#), 400, "bad-request", names: "grace_seconds"),
        Row("PUT", config, binding(#""grace_seconds":2592001"#), 400, "bad-request", names: "grace_seconds"),
        Row("PUT", config, binding(#""prove":"yes""#), 400, "bad-request", names: "'prove' must be true or false"),
        Row("PUT", config, binding(#""field":"both""#), 400, "bad-request", names: "field"),
        Row("PUT", config, binding(#""description":"a\nb""#), 400, "bad-request", names: "description"),
        Row("PUT", config, binding(#""description":"\#(String(repeating: "d", count: 201))""#), 400, "bad-request", names: "description"),
        Row("PUT", config, #"{"upstream":7,"remote_id":"x","ai_type":"OPENAI"}"#, 400, "bad-request", names: "'upstream' must be a string"),
        Row("PUT", config, #"{"upstream":null,"remote_id":"x","ai_type":"OPENAI"}"#, 400, "bad-request", names: "upstream"),
        Row("PUT", config, #"{"upstream":"FB","remote_id":"x","ai_type":"OPENAI"}"#, 400, "bad-request", names: "upstream"),
        Row("PUT", config, #"{"upstream":"fb","remote_id":"../x","ai_type":"OPENAI"}"#, 400, "bad-request", names: "remote_id"),
        Row("PUT", config, #"{"upstream":"fb","remote_id":"..","ai_type":"OPENAI"}"#, 400, "bad-request", names: "remote_id"),
        Row("PUT", config, #"{"upstream":"fb","remote_id":"","ai_type":"OPENAI"}"#, 400, "bad-request", names: "remote_id"),
        Row(
            "PUT", config, #"{"upstream":"fb","remote_id":"\#(String(repeating: "i", count: 129))","ai_type":"OPENAI"}"#, 400,
            "bad-request", names: "remote_id"),
        Row("PUT", config, #"{"upstream":"fb","remote_id":"x","ai_type":"MISTRAL"}"#, 400, "bad-request", names: "ai_type"),
        Row("PUT", config, #"{"upstream":"nowhere","remote_id":"x","ai_type":"OPENAI"}"#, 404, "unknown-upstream", names: "'nowhere'"),
        Row(
            "PUT", config, #"{"upstream":"fb","remote_id":"\#(Scene.remoteID)","ai_type":"OPENAI"}"#, 409, "already-bound",
            names: Scene.remoteID),
        Row("PUT", "/v1/configs/\(long)", binding(""), 400, "bad-request", names: "name"),
        Row("PUT", "/v1/configs/UPPER", binding(""), 400, "bad-request", names: "name"),
        Row("PUT", "/v1/configs/a%2Fb", binding(""), 400, "bad-request", names: "name"),
        Row("PUT", "/v1/configs/.hidden", binding(""), 400, "bad-request", names: "name"),
        Row("PUT", known, binding(""), 412, "changed-meanwhile", names: "openai-prod", headers: ["If-Match: \"99999\""]),
        Row("PUT", known, binding(""), 400, "bad-request", names: "If-Match", headers: ["If-Match: nonsense"]),
    ]

    static let unknown: [Row] = [
        Row("GET", "/v1/configs/missing", nil, 404, "unknown-config", names: "'missing'"),
        Row("DELETE", "/v1/configs/missing", nil, 404, "unknown-config", names: "'missing'"),
        Row("POST", "/v1/configs/missing/rotate", "{}", 404, "unknown-config", names: "'missing'"),
        Row("POST", "/v1/configs/missing/prove", "{}", 404, "unknown-config", names: "'missing'"),
        Row("POST", "/v1/configs/missing/rollback", "{}", 404, "unknown-config", names: "'missing'"),
        Row("PATCH", "/v1/configs/missing/remote", #"{"name":"x"}"#, 404, "unknown-config", names: "'missing'"),
        Row("POST", "/v1/configs/missing/pause", "{}", 404, "unknown-config", names: "'missing'"),
        Row("POST", "/v1/configs/missing/undelete", "{}", 404, "unknown-config", names: "'missing'"),
        Row("GET", "/v1/events?config=missing", nil, 404, "unknown-config", names: "'missing'"),
        Row("GET", "/v1/upstreams/missing", nil, 404, "unknown-upstream", names: "'missing'"),
        Row("DELETE", "/v1/upstreams/missing", nil, 404, "unknown-upstream", names: "'missing'"),
        Row("DELETE", "\(known)/versions/99", nil, 404, "unknown-version", names: "99"),
        Row("DELETE", "\(known)/versions/0", nil, 400, "bad-request", names: "version"),
        Row("DELETE", "\(known)/versions/two", nil, 400, "bad-request", names: "version"),
        Row("DELETE", "\(known)/versions/1", nil, 400, "bad-request", names: "only a staged version"),
        Row("GET", "/v1/rotations/01ARZ3NDEKTSV4RRFFQ69G5FAV", nil, 404, "unknown-rotation", names: "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        Row("GET", "/v1/rotations/nonsense", nil, 400, "bad-request", names: "id"),
        Row(
            "POST", "/v1/rotations/01ARZ3NDEKTSV4RRFFQ69G5FAV/resolve", #"{"how":"retry"}"#, 404, "unknown-rotation",
            names: "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        Row("POST", "/v1/rotations/01ARZ3NDEKTSV4RRFFQ69G5FAV/resolve", #"{"how":"pray"}"#, 400, "bad-request", names: "how"),
        Row("POST", "/v1/rotations/01ARZ3NDEKTSV4RRFFQ69G5FAV/cancel", "{}", 404, "unknown-rotation", names: "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        Row("GET", "/v1/nothing", nil, 404, "not-found", names: "path"),
        Row("GET", "/", nil, 404, "not-found", names: "path"),
        Row("POST", "/v1/status", "{}", 405, "method-not-allowed", names: "GET"),
        Row("DELETE", "/v1/configs", nil, 405, "method-not-allowed", names: "GET"),
        Row("GET", "/v1/configs?state=broken", nil, 400, "bad-request", names: "state"),
        Row("GET", "/v1/configs?limit=0", nil, 400, "bad-request", names: "limit"),
        Row("GET", "/v1/configs?limit=1001", nil, 400, "bad-request", names: "limit"),
        Row("GET", "/v1/configs?after=!", nil, 400, "bad-request", names: "after"),
        Row("GET", "/v1/configs?page=2", nil, 400, "bad-request", names: "query parameter"),
        Row("GET", "/v1/configs?limit=1&limit=2", nil, 400, "bad-request", names: "limit"),
        Row("GET", "/v1/configs?state=%G1", nil, 400, "bad-request", names: "percent"),
        Row("GET", "/v1/audit?after=-1", nil, 400, "bad-request", names: "after"),
    ]

    static let rotations: [Row] = [
        Row("POST", "\(known)/rotate", #"{"if_due":"yes"}"#, 400, "bad-request", names: "if_due"),
        Row("POST", "\(known)/rotate", #"{"force":true}"#, 400, "bad-request", names: "'force'"),
        Row("POST", "\(known)/rotate", #"{"reason":"a\u0007b"}"#, 400, "bad-request", names: "reason"),
        Row("POST", "\(known)/rotate", #"{"reason":"\#(String(repeating: "r", count: 201))"}"#, 400, "bad-request", names: "reason"),
        Row(
            "POST", "\(known)/rotate", "{}", 400, "bad-request", names: "Idempotency-Key",
            headers: ["Idempotency-Key: \(String(repeating: "k", count: 129))"]),
        Row(
            "POST", "\(known)/rotate", "{}", 400, "bad-request", names: "idempotency-key",
            headers: ["Idempotency-Key: a", "Idempotency-Key: b"]),
        Row("POST", "\(known)/prove", #"{"compromised":true}"#, 400, "bad-request", names: "compromised"),
        Row("POST", "\(known)/rollback", #"{"if_due":true}"#, 400, "bad-request", names: "if_due"),
        Row("POST", "\(known)/rollback", "{}", 404, "unknown-version", names: "previous"),
        Row("PATCH", "\(known)/remote", "{}", 400, "bad-request", names: "'name', 'endpoint' and 'ai_type'"),
        Row("PATCH", "\(known)/remote", #"{"endpoint":""}"#, 400, "bad-request", names: "endpoint"),
        Row("PATCH", "\(known)/remote", #"{"ai_type":"X"}"#, 400, "bad-request", names: "ai_type"),
        Row("PATCH", "\(known)/remote", #"{"aiType":"AWS"}"#, 400, "bad-request", names: "'aiType'"),
        Row("POST", "\(known)/pause", #"{"until":"tomorrow"}"#, 400, "bad-request", names: "until"),
        Row("POST", "\(known)/pause", #"{"until":"2020-01-01T00:00:00Z"}"#, 400, "bad-request", names: "until"),
        Row("POST", "\(known)/undelete", "{}", 400, "bad-request", names: "not removed"),
        Row("POST", "/v1/seal", #"{"now":true}"#, 400, "bad-request", names: "'now'"),
    ]

    static func upstream(_ url: String, _ more: String = "") -> String { #"{"base_url":"\#(url)"\#(more.isEmpty ? "" : ",")\#(more)}"# }

    static let upstreams: [Row] = [
        Row("PUT", "/v1/upstreams/new", "{}", 400, "bad-request", names: "'base_url' is missing"),
        Row("PUT", "/v1/upstreams/new", upstream("nonsense"), 400, "bad-request", names: "base_url"),
        Row("PUT", "/v1/upstreams/new", upstream("ftp://example.com"), 400, "bad-request", names: "base_url"),
        Row("PUT", "/v1/upstreams/new", upstream("https://user:pass@example.com"), 400, "bad-request", names: "base_url"),
        Row("PUT", "/v1/upstreams/new", upstream("https://example.com/?q=1"), 400, "bad-request", names: "base_url"),
        Row("PUT", "/v1/upstreams/new", upstream("https://example.com/../x"), 400, "bad-request", names: "base_url"),
        Row("PUT", "/v1/upstreams/new", upstream("https://example.com:99999"), 400, "bad-request", names: "base_url"),
        Row("PUT", "/v1/upstreams/new", upstream("https://"), 400, "bad-request", names: "base_url"),
        Row(
            "PUT", "/v1/upstreams/new", upstream("http://backend.example.com", #""allow_plain_http":true"#), 400, "bad-request",
            names: "base_url"),
        Row(
            "PUT", "/v1/upstreams/new", upstream("http://127.0.0.1.example.com", #""allow_plain_http":true"#), 400, "bad-request",
            names: "base_url"),
        Row("PUT", "/v1/upstreams/new", upstream("http://127.0.0.1"), 400, "bad-request", names: "base_url"),
        Row("PUT", "/v1/upstreams/new", upstream("https://example.com", #""pin_sha256":"abc""#), 400, "bad-request", names: "pin_sha256"),
        Row(
            "PUT", "/v1/upstreams/new", upstream("https://example.com", #""ca_pem":"no certificate""#), 400, "bad-request", names: "ca_pem"),
        Row(
            "PUT", "/v1/upstreams/new", upstream("https://example.com", #""workspace_id":"a b""#), 400, "bad-request", names: "workspace_id"
        ),
        Row("PUT", "/v1/upstreams/new", upstream("https://example.com", #""encrypted_value":"AAAA""#), 400, "bad-request", names: "key_id"),
        Row(
            "PUT", "/v1/upstreams/new", upstream("https://example.com", #""key_id":"0123456789abcdef""#), 400, "bad-request",
            names: "encrypted_value"),
        Row("PUT", "/v1/upstreams/new", upstream("https://example.com", #""token":"x""#), 400, "bad-request", names: "'token'"),
        Row("DELETE", "/v1/upstreams/fb", nil, 409, "upstream-in-use", names: "'fb'"),
    ]

    static let boxes: [Row] = [
        Row("POST", "\(known)/versions", "{}", 400, "bad-request", names: "'encrypted_value' is missing"),
        Row("POST", "\(known)/versions", #"{"encrypted_value":"AAAA"}"#, 400, "bad-request", names: "'key_id' is missing"),
        Row(
            "POST", "\(known)/versions", #"{"encrypted_value":"no base64!","key_id":"0123456789abcdef"}"#, 400, "bad-request",
            names: "encrypted_value"),
        Row("POST", "\(known)/versions", #"{"encrypted_value":"AAAA","key_id":"short"}"#, 400, "bad-request", names: "key_id"),
        Row(
            "POST", "\(known)/versions", #"{"encrypted_value":"AAAA","key_id":"0123456789abcdef"}"#, 422, "wrong-box",
            names: "0123456789abcdef"),
        Row("POST", "\(known)/versions", #"{"key":"in the clear"}"#, 400, "bad-request", names: "'key'"),
    ]

    @Test(arguments: ["bodies", "unknown", "rotations", "upstreams", "boxes"]) func `names the field, and changes nothing`(_ table: String)
        async throws
    {
        let rows =
            switch table {
            case "bodies": Self.bodies
            case "unknown": Self.unknown
            case "rotations": Self.rotations
            case "upstreams": Self.upstreams
            default: Self.boxes
            }
        try await Scene.with { scene in
            let before = try await scene.everything()
            for row in rows {
                let reply = try await scene.keyturn.call(row.method, row.target, body: row.body, headers: row.headers)
                let which: Comment = "\(row.method) \(row.target) \(row.body?.prefix(80) ?? "")"
                #expect(reply.status == row.status, which)
                try scene.expectProblem(reply, row.code, names: row.names, which)
            }
            let after = try await scene.everything()
            #expect(after == before)
            #expect(scene.standIn.count(of: .put) == 0 && scene.standIn.count(of: .validate) == 0)
        }
    }

    @Test func `what is no HTTP, or too much of it, is refused before any route sees it`() async throws {
        try await Scene.with { scene in
            let before = try await scene.everything()
            let big = #"{"upstream":"\#(String(repeating: "u", count: 70_000))"}"#
            let cases: [(String, Int, String)] = [
                ("PUT /v1/configs/a HTTP/1.1\r\nHost: k\r\nContent-Length: \(big.utf8.count)\r\n\r\n\(big)", 413, "too-large"),
                (
                    "PUT /v1/configs/a HTTP/1.1\r\nHost: k\r\nTransfer-Encoding: chunked\r\n\r\n\(String(big.utf8.count, radix: 16))\r\n\(big)\r\n0\r\n\r\n",
                    413, "too-large"
                ),
                ("GET /v1/status HTTP/1.1\r\nHost: k\r\nX-Long: \(String(repeating: "h", count: 20_000))\r\n\r\n", 413, "too-large"),
                ("GET /\(String(repeating: "p", count: 20_000)) HTTP/1.1\r\nHost: k\r\n\r\n", 413, "too-large"),
                ("hello there\r\n\r\n", 400, "bad-request"),
                ("GET /v1/status HTTP/1.1\r\nHost: k\r\nContent-Length: x\r\n\r\n", 400, "bad-request"),
            ]
            for (bytes, status, code) in cases {
                let reply = try await RawCall.send(Array(bytes.utf8), to: scene.keyturn.proxySocket)
                #expect(reply.status == status, "\(bytes.prefix(60))")
                try scene.expectProblem(reply, code, names: "", "\(bytes.prefix(60))")
            }
            let after = try await scene.everything()
            #expect(after == before)
        }
    }

    /// Boxes that were made for something else.
    @Test func `a box that is not for this is refused, and can't be used up by it`() async throws {
        try await Scene.with { scene in
            let intake = try await scene.keyturn.call("GET", "/v1/intake-key").document
            let key = try #require(BoxPublicKey(bytes: Array(Data(base64Encoded: intake["key"].text ?? "") ?? Data())))
            let other = BoxKeyPair(random: SystemRandom()).publicKey
            let fresh = Canary(key: "key")
            scene.remember(fresh)
            let before = try await scene.everything()
            let credential = #"{"key":\#(quoted(fresh.text))}"#
            let cases: [(Envelope, BoxPublicKey, Int, String, String)] = [
                (Envelope(), other, 422, "wrong-box", "does not open"),
                (Envelope(purpose: "upstream-token"), key, 422, "wrong-box", "purpose"),
                (Envelope(target: "anthropic-prod"), key, 422, "wrong-box", "name"),
                (Envelope(expires: #""2020-01-01T00:00:00Z""#), key, 422, "wrong-box", "expired"),
                (Envelope(expires: #""soon""#), key, 422, "wrong-box", "expires_at"),
                (Envelope(id: "no uuid"), key, 422, "wrong-box", "UUID"),
                (Envelope(version: 2), key, 422, "wrong-box", "version 1"),
                (Envelope(more: #","extra":1"#), key, 422, "wrong-box", "fields"),
                (Envelope(credential: "{}"), key, 400, "bad-request", "'key'"),
                (Envelope(credential: #"{"key":""}"#), key, 400, "bad-request", "empty"),
                (Envelope(credential: #"{"key":"a\nb"}"#), key, 400, "bad-request", "line break"),
                (Envelope(credential: #"{"key":"   "}"#), key, 400, "bad-request", "begins or ends with a space"),
                (Envelope(credential: #"{"key":"pasted "}"#), key, 400, "bad-request", "begins or ends with a space"),
                (Envelope(credential: #"{"key":"x","secret":" pasted"}"#), key, 400, "bad-request", "'secret' begins or ends with a space"),
                (Envelope(credential: #"{"key":7}"#), key, 400, "bad-request", "key"),
                (Envelope(credential: #"{"key":"x","more":"y"}"#), key, 400, "bad-request", "unknown field"),
                (Envelope(credential: #"{"key":"x","aiType":"OTHERS"}"#), key, 400, "bad-request", "aiType"),
                (Envelope(credential: #"{"key":"x","name":""}"#), key, 400, "bad-request", "name"),
                (Envelope(credential: #"{"key":"\#(String(repeating: "k", count: 16_385))"}"#), key, 400, "bad-request", "longer"),
                (Envelope(credential: #"{"key":"x","secret":"y"}"#), key, 400, "bad-request", "same of 'key' and 'secret'"),
                (Envelope(credential: #"{"key":\#(quoted(scene.old.text))}"#), key, 409, "duplicate-key", "version 1"),
                (Envelope(credential: #"{"key":\#(quoted(scene.new.text))}"#), key, 409, "duplicate-key", "version 2"),
            ]
            for (envelope, to, status, code, names) in cases {
                let reply = try await scene.post(envelope.sealed(to: to), keyID: key.id)
                #expect(reply.status == status, "\(names)")
                try scene.expectProblem(reply, code, names: names, "\(names)")
            }
            #expect(try await scene.everything() == before)

            // Refused for what it held, a box is still fresh; taken once, it is used up.
            let id = UUID().uuidString
            #expect(try await scene.post(Envelope(credential: "{}", id: id).sealed(to: key), keyID: key.id).status == 400)
            let box = Envelope(credential: credential, id: id).sealed(to: key)
            #expect(try await scene.post(box, keyID: key.id).status == 201)
            let again = try await scene.post(box, keyID: key.id)
            #expect(again.status == 422)
            try scene.expectProblem(again, "wrong-box", names: "used before", "used")
            let renamed = try await scene.post(
                Envelope(credential: #"{"key":"another"}"#, id: id.uppercased()).sealed(to: key), keyID: key.id)
            try scene.expectProblem(renamed, "wrong-box", names: "used before", "the same id in other letters")
        }
    }

    @Test func `a key that is staged again is told that it is there, whatever else would be wrong with it`() async throws {
        try await Scene.with { scene in
            let before = try await scene.everything()
            let adoptedAgain = try await scene.keyturn.keyturn(
                "stage", Scene.config, "--stdin", "--as-current", "--json", input: scene.old.text + "\n")
            #expect(adoptedAgain.status == 1)
            #expect(try adoptedAgain.problem.code == "duplicate-key")
            #expect(try adoptedAgain.problem["detail"].text?.contains("version 1, which is current") == true)
            #expect(try await scene.everything() == before)
        }
    }

    @Test func `a binding can't change while a previous version lives`() async throws {
        try await Scene.with { scene in
            #expect(try await scene.rotate().status == 0)
            scene.standIn.addConfiguration(id: "second", name: "second", key: "something")
            let before = try await scene.everything()
            let run = try await scene.keyturn.keyturn("config", "set", Scene.config, "--id", "second", "--json")
            #expect(run.status == 1)
            #expect(try run.problem.code == "binding-in-use" && run.problem["detail"].text?.contains(Scene.config) == true)
            #expect(try await scene.everything() == before)
        }
    }
}

/// An envelope as `keyturn` makes it, or not quite.
private struct Envelope {
    var purpose = "stage"
    var target = Scene.config
    var credential = #"{"key":"something"}"#
    var expires = "null"
    var id = UUID().uuidString
    var version = 1
    var more = ""

    func sealed(to key: BoxPublicKey) -> String {
        let text =
            #"{"v":\#(version),"purpose":"\#(purpose)","target":"\#(target)","box":"\#(id)","expires_at":\#(expires),"credential":\#(credential)\#(more)}"#
        return Data(key.seal(Array(text.utf8).span.bytes)).base64EncodedString()
    }
}

extension Scene {
    fileprivate func post(_ box: String, keyID: String) async throws -> RawCall.Reply {
        try await keyturn.call("POST", "/v1/configs/\(Self.config)/versions", body: #"{"encrypted_value":"\#(box)","key_id":"\#(keyID)"}"#)
    }

    /// All that a caller can read: what must be the same after what was refused.
    func everything() async throws -> [String] {
        var all: [String] = []
        for target in ["/v1/configs", "/v1/upstreams", "/v1/rotations", "/v1/audit?limit=1000", "/v1/intake-key"] {
            all.append(try await keyturn.call("GET", target).body)
        }
        return all
    }

    fileprivate func expectProblem(_ reply: RawCall.Reply, _ code: String, names: String, _ which: Comment) throws {
        #expect(reply.headers["content-type"] == "application/problem+json", which)
        guard let problem = try? reply.document else {
            Issue.record("no JSON: \(reply.body.prefix(200)) \(which)")
            return
        }
        #expect(problem.code == code, which)
        #expect(problem["status"].number == reply.status, which)
        #expect(problem["title"].text?.isEmpty == false, which)
        let detail = problem["detail"].text ?? ""
        #expect(names.isEmpty || detail.contains(names), "\(detail) \(which)")
        #expect(detail.hasSuffix("."), "one sentence: \(detail)")
    }
}
