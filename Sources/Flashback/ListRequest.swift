internal import Model
internal import Outbound
internal import Rotations
internal import Secrets
internal import Synchronization

/// What asking for the list came to.
enum ListResult: Sendable {
    case entries([String: ListEntry])
    case unauthorized(Reason)
    case unavailable(Reason)
    /// The one who asked was cancelled; that says nothing to others.
    case cancelled(Reason)
}

/// `GET /ai/llm?workspaceId=`, read as a stream.
struct ListRequest: Sendable {
    let client: HTTPClient
    let workspaceID: String?
    let reporter: RequestReporter
    let now: @Sendable () -> Timestamp

    static let replyBytesMax = 8 << 20

    static func request(workspaceID: String?) -> Request {
        Request(.get, "/ai/llm", query: workspaceID.map { "workspaceId=\(escaped($0))" }, replyBytesMax: replyBytesMax)
    }

    func send(bearer: borrowing Secret) async -> ListResult {
        let reader = Reader()
        let started = ContinuousClock.now
        let outcome = await client.stream(Self.request(workspaceID: workspaceID), bearer: bearer) { reader.take($0) }
        reporter.report(.get, outcome, since: started)
        if case .response(let response) = outcome, response.status == 200 { return reader.result() }
        switch Reply(outcome, now: now(), hide: { $0.hide(bearer) }) {
        case .failed(let failure) where failure.kind == .unsendable: return .unauthorized(Reason(failure))
        case .failed(let failure) where failure.kind == .cancelled: return .cancelled(Reason(failure))
        case .failed(let failure): return .unavailable(Reason(failure))
        case .answered(401, _, let reason, _): return .unauthorized(reason)
        case .answered(_, _, let reason, _): return .unavailable(reason)
        }
    }

    /// The scanner, fed on an event loop.
    private final class Reader: Sendable {
        private let scanner = Mutex(ListScanner())

        func take(_ bytes: RawSpan) -> Bool {
            scanner.withLock { $0.take(bytes) }
        }

        func result() -> ListResult {
            scanner.withLock { scanner in
                guard scanner.isComplete else { return .unavailable(Reason("the backend's list ends too early")) }
                guard scanner.success != false else { return .unavailable(Reason("the backend answered success: false")) }
                return .entries(scanner.entries)
            }
        }
    }

    /// Everything but unreserved characters (RFC 3986, 2.3).
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            default: escaped += "%" + Hex.text([byte]).uppercased()
            }
        }
        return escaped
    }
}
