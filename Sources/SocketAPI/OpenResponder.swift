import HTTPTypes
package import Hummingbird
import HummingbirdCore
import Logging
import Model
package import NIOCore

/// What the metrics' socket answers to a request; `nil` where there is nothing at its path.
package typealias OpenAnswers = @Sendable (Request, any Channel) async throws -> Response?

/// Answers on the socket that nobody can be told apart on: nothing that goes through here knows a caller, and no route of the API leads here.
struct OpenResponder: Sendable {
    let answers: OpenAnswers
    let answering: Answering
    let logger: Logger

    func answer(_ request: Request, _ writer: consuming ResponseWriter, on channel: any Channel) async throws {
        var route: String?
        try await answering.answer(
            request, writer, ReplyStamp.newRequestID(), on: channel,
            by: {
                do {
                    guard let response = try await answers(request, channel) else { return ProblemReply(.unknownOpenPath).response }
                    route = request.uri.path
                    return response
                } catch {
                    if let reply = ProblemReply(to: error) { return reply.response }
                    logger.error(
                        "A request failed inside the daemon.",
                        metadata: ["event": "daemon.request-failed", "error": "\(type(of: error))"])
                    return ProblemReply.fault.response
                }
            },
            finally: { _ in route })
    }
}
