import HTTPTypes
import Hummingbird
import HummingbirdCore
import Model
import NIOCore

/// What becomes of every request, whoever answers it: counted while it is under way, turned away while the daemon stops, stamped, and
/// written.
struct Answering: Sendable {
    let underWay: RequestsUnderWay
    let stamp: ReplyStamp
    let tally: RequestTally

    /// `finally` hears the status after it was written, also when the caller went, and returns the route for the metrics.
    func answer(
        _ request: Request, _ writer: consuming ResponseWriter, _ requestID: String, on channel: any Channel,
        by reply: () async -> Response,
        finally: (HTTPResponse.Status) -> String?
    ) async throws {
        let isTaken = underWay.begin()
        underWay.settle(ObjectIdentifier(channel))
        defer { if isTaken { underWay.end() } }
        var response = isTaken ? await reply() : ProblemReply(.stopping).response
        stamp.put(on: &response.headers, requestID: requestID)
        if request.method == .head { response = response.createHeadResponse() }
        if !isTaken || underWay.isDraining || request.headers[.connection]?.lowercased() == "close" {
            response.headers[.connection] = "close"
        }
        defer { tally.count(finally(response.status), response.status.code) }
        try await writer.write(response: response.head, body: response.body)
    }
}
