internal import Model
internal import Outbound
internal import Rotations

extension PutAnswer {
    /// Design section 5, "applying".
    init(_ reply: Reply, id: RemoteID) {
        switch reply {
        case .failed(let failure) where failure.kind == .unsendable: self = .unauthorized(Reason(failure))
        case .failed(let failure): self = failure.wasSent ? .unknown(Reason(failure), retryAfter: nil) : .notSent(Reason(failure))
        case .answered(200, let body, let reason, let retryAfter): self.init(body, reason, retryAfter, id)
        case .answered(400, _, let reason, _): self = .rejected(reason)
        case .answered(401, _, let reason, _): self = .unauthorized(reason)
        case .answered(let status, _, let reason, let retryAfter):
            self = StatusWords.isUncertain(status) ? .unknown(reason, retryAfter: retryAfter) : .refused(reason)
        }
    }

    private init(_ body: Reply.Body, _ reason: Reason, _ retryAfter: Duration?, _ id: RemoteID) {
        switch body {
        case .verdict(_, let other?) where !id.isSame(as: other):
            self = .unknown(
                Reason("the backend answered for another configuration", backendMessage: reason.backendMessage), retryAfter: retryAfter)
        case .verdict(true?, _): self = .accepted
        case .verdict(false?, _): self = .denied(reason)
        case .verdict(nil, _), .empty, .otherJSON: self = .noVerdict
        case .garbage: self = .unknown(reason, retryAfter: retryAfter)
        }
    }
}

extension ValidateAnswer {
    /// Design section 5, "proving".
    init(_ reply: Reply, id: RemoteID) {
        switch reply {
        case .failed(let failure):
            self = failure.kind == .unsendable ? .unauthorized(Reason(failure)) : .inconclusive(Reason(failure))
        case .answered(200, .verdict(_, let other?), let reason, _) where !id.isSame(as: other):
            self = .inconclusive(Reason("the backend answered for another configuration", backendMessage: reason.backendMessage))
        case .answered(200, .verdict(true?, _), _, _): self = .works
        case .answered(200, .verdict(false?, _), let reason, _): self = .fails(reason)
        case .answered(401, _, let reason, _): self = .unauthorized(reason)
        case .answered(404, _, let reason, _): self = .notFound(reason)
        case .answered(405, _, let reason, _), .answered(501, _, let reason, _): self = .unsupported(reason)
        case .answered(429, _, let reason, let retryAfter): self = .tooMany(reason, retryAfter: retryAfter)
        case .answered(_, _, let reason, _): self = .inconclusive(reason)
        }
    }
}

extension RemoteID {
    /// UUIDs are often spelled in another case than they were given.
    fileprivate func isSame(as other: String) -> Bool {
        description.lowercased() == other.lowercased()
    }
}
