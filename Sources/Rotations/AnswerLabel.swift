extension PutAnswer {
    /// One word for logs and metrics.
    var label: String {
        switch self {
        case .accepted: "accepted"
        case .denied: "denied"
        case .noVerdict: "no-verdict"
        case .rejected: "rejected"
        case .unauthorized: "unauthorized"
        case .refused: "refused"
        case .notSent: "not-sent"
        case .unknown: "unknown"
        }
    }
}

extension ValidateAnswer {
    /// One word for logs and metrics.
    var label: String {
        switch self {
        case .works: "works"
        case .fails: "fails"
        case .notFound: "not-found"
        case .unsupported: "unsupported"
        case .unauthorized: "unauthorized"
        case .tooMany: "too-many"
        case .inconclusive: "inconclusive"
        }
    }
}
