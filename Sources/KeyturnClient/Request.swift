import FoundationEssentials
import KeyturnWire

/// One call, before it is HTTP.
struct Request: Sendable {
    var method: Method
    /// Not yet escaped.
    var path: [String]
    /// In order; one without a value is left out.
    var query: [(name: String, value: String?)] = []
    var headers: [(name: String, value: String)] = []
    /// Asked again, it is the same request.
    var hasIdempotencyKey: Bool { headers.contains { $0.name == "Idempotency-Key" } }
    var body: Data?
    var patience = Patience.limited
    var peer = PeerRule.anyone
    /// Which answers have the body that was asked for.
    var goodStatuses: Set<Int> = Set(200...299)

    enum Method: String, Sendable {
        case get = "GET"
        case put = "PUT"
        case post = "POST"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    /// How long to wait for the answer once connected.
    enum Patience: Sendable {
        /// `replySecondsMax` of `Daemon.Limits`: a daemon that hangs must not hang a monitoring job as well.
        case limited
        /// A rotation takes as long as it takes; it ends by itself.
        case endless
    }

    /// Whom to talk to.
    enum PeerRule: Sendable {
        case anyone
        /// What comes back decides whom a secret is sealed for.
        case trusted
    }

    /// Path and query as HTTP has them.
    var target: String {
        let shownPath = path.map { "/" + Self.escaped($0) }.joined()
        let shownQuery = query.compactMap { item in item.value.map { "\(item.name)=\(Self.escaped($0))" } }.joined(separator: "&")
        return shownQuery.isEmpty ? shownPath : "\(shownPath)?\(shownQuery)"
    }

    /// RFC 3986: all but unreserved characters as `%XX`.
    private static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".unicodeScalars)
        var result = String.UnicodeScalarView()
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                result.append(Unicode.Scalar(byte))
            default: result.append(contentsOf: ["%", digits[Int(byte >> 4)], digits[Int(byte & 15)]])
            }
        }
        return String(result)
    }
}

extension Request {
    static func get(_ path: String..., query: [(name: String, value: String?)] = []) -> Request {
        Request(method: .get, path: path, query: query)
    }

    static func delete(_ path: String..., query: [(name: String, value: String?)] = []) -> Request {
        Request(method: .delete, path: path, query: query)
    }

    static func post(_ path: String..., body: some RequestBody) -> Request {
        Request(method: .post, path: path, body: WireJSON.encode(body))
    }

    /// `nil` for a first version of the thing; else it is changed only while it is still the one with this `ETag`.
    static func put(_ path: String..., body: some RequestBody, ifMatch etag: String?) -> Request {
        Request(method: .put, path: path, headers: etag.map { [("If-Match", $0)] } ?? [], body: WireJSON.encode(body))
    }
}
