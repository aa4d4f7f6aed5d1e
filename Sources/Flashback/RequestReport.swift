package import Model
internal import Outbound

/// How one request to a backend came out, for whoever counts.
package struct RequestReport: Sendable {
    package let upstream: UpstreamName
    /// `PUT` and the like.
    package let method: String
    package let outcome: Outcome
    package let time: Duration

    /// What HTTP alone tells; what an answer means for a rotation is decided elsewhere.
    package enum Outcome: String, Sendable {
        /// 2xx
        case ok
        /// 401
        case auth
        /// 429
        case rateLimited = "rate_limited"
        /// Every other 4xx, and redirects.
        case refused
        /// No byte of it went out.
        case notSent = "not_sent"
        /// No answer that can be relied on: it may have been acted on.
        case unknown
    }
}

struct RequestReporter: Sendable {
    let upstream: UpstreamName
    let tell: @Sendable (RequestReport) -> Void

    func report(_ method: Request.Method, _ outcome: Outbound.Outcome, since start: ContinuousClock.Instant) {
        tell(
            RequestReport(
                upstream: upstream, method: method.rawValue, outcome: .init(outcome), time: start.duration(to: .now)))
    }
}

extension RequestReport.Outcome {
    fileprivate init(_ outcome: Outbound.Outcome) {
        switch outcome {
        case .response(let response):
            switch response.status {
            case 200..<300: self = .ok
            case 401: self = .auth
            case 429: self = .rateLimited
            case let status: self = StatusWords.isUncertain(status) ? .unknown : .refused
            }
        case .failure(let failure): self = failure.wasSent ? .unknown : .notSent
        }
    }
}
