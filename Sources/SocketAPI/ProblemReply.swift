package import HTTPTypes
import Hummingbird
package import KeyturnWire
package import Model
import NIOCore
import Vault

/// An error reply as RFC 9457 has it, ready to be written. Thrown by a route, it becomes its reply.
package struct ProblemReply: Error, Sendable {
    package let document: ProblemDocument
    package var headers: HTTPFields

    /// `rotation`: the one that ended badly, whole. `status` only where HTTP wants another than the code's own.
    package init(_ problem: Problem, rotation: KeyturnWire.Rotation? = nil, status: Int? = nil) {
        document = ProblemDocument(
            type: ProblemDocument.typePrefix + problem.code.rawValue, title: problem.code.title,
            status: status ?? problem.code.status, detail: problem.detail, nextStep: problem.nextStep, rotation: rotation)
        headers = [.contentType: "application/problem+json"]
        headers[.retryAfter] = problem.code.retryAfterSeconds.map(String.init)
    }

    /// The reply to whatever was thrown; `nil` for what is a fault of ours, whose text stays inside.
    init?(to error: any Error) {
        switch error {
        case let reply as ProblemReply: self = reply
        case let problem as Problem: self.init(problem)
        case let error as VaultError: self.init(error.problem)
        case let unreadable as UnreadableBody: self.init(Problem(.badRequest, unreadable.detail))
        case is NIOTooManyBytesError: self.init(.bodyTooLarge)
        case let error as HTTPError:
            guard let problem = Problem(status: error.status) else { return nil }
            self.init(problem)
        default: return nil
        }
    }

    static let fault = ProblemReply(
        Problem(.storeFailed, "Something went wrong inside the daemon; its log says what.", nextStep: "journalctl -u keyturnd"))

    static func methodNotAllowed(allowed: [HTTPRequest.Method]) -> ProblemReply {
        let names = allowed.map(\.rawValue).joined(separator: ", ")
        var reply = ProblemReply(Problem(.methodNotAllowed, "This path takes \(names)."))
        reply.headers[.allow] = names
        return reply
    }

    var response: Response {
        Response(status: .init(code: document.status), headers: headers, body: .init(byteBuffer: body))
    }

    var body: ByteBuffer { ByteBuffer(bytes: WireJSON.encode(document)) }
}

extension Problem {
    static let bodyTooLarge = Problem(.tooLarge, "The request's body is larger than the 64 KiB that are allowed.")
    static let headTooLarge = Problem(.tooLarge, "The request's line and header fields are too long.")
    static let malformed = Problem(.badRequest, "This is not valid HTTP/1.1.")
    static let unknownPath = Problem(.notFound, "There is nothing at this path; GET /openapi.yaml lists what there is.")
    static let unknownOpenPath = Problem(
        .notFound, "This socket has /metrics, /healthz and /readyz alone; the API is on Keyturn's Unix socket.")
    static let stopping = Problem(
        .stopping, "The daemon is stopping and takes no new requests: try again in a few seconds.", nextStep: "keyturn status")

    static func tooSlow(_ time: Duration) -> Problem {
        Problem(.badRequest, "The request did not arrive within \(TimeSpan(time)).")
    }

    static func tooManyConnections(_ count: Int) -> Problem {
        Problem(.tooManyRequests, "This user has \(count) connections open already: close some, or keep one and use it again.")
    }

    static let tooManyBytes = Problem(.tooManyRequests, "This user's requests have too much in their bodies at once: send fewer at a time.")
    static let tooManyRequests = Problem(
        .tooManyRequests, "This user asks too often, or has too many requests under way: wait a second, and ask less at a time.")
    static let tooManyStreams = Problem(.tooManyRequests, "This user has as many event streams open as it may have: close some.")

    static func tooManyScrapers(_ count: Int) -> Problem {
        Problem(.tooManyRequests, "This socket has \(count) connections open already.")
    }

    /// What Hummingbird refuses by itself. Its messages are left out: they are not ours.
    fileprivate init?(status: HTTPResponse.Status) {
        switch status.code {
        case 404: self = .unknownPath
        case 413: self = .bodyTooLarge
        case 400..<500: self.init(.badRequest, "The request is not valid.")
        default: return nil
        }
    }
}

extension Problem.Code {
    /// When it is worth asking again by itself.
    fileprivate var retryAfterSeconds: Int? {
        switch self {
        case .sealed, .vaultOlder, .vaultAltered: 30
        case .stopping: 5
        case .tooManyRequests: 1
        case .badRequest, .idempotencyMismatch, .notAllowed, .unknownConfig, .unknownUpstream, .unknownVersion, .unknownRotation,
            .unknownSlot, .notFound,
            .methodNotAllowed, .nothingStaged, .rotationInProgress, .sharedKey, .duplicateKey, .bindingInUse, .alreadyBound, .upstreamInUse,
            .lastSlot,
            .paused, .stuck, .quarantined, .auditMismatch, .changedMeanwhile, .tooLarge, .wrongBox, .keyRejected, .upstreamRefused,
            .upstreamAuth,
            .upstreamUnreachable,
            .storeFailed, .diskFull:
            nil
        }
    }
}
