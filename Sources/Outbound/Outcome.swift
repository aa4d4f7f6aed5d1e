/// What was seen of a request.
package enum Outcome: Sendable {
    case response(Response)
    case failure(Failure)
}

/// An answer that came whole.
package struct Response: Sendable {
    package let status: Int
    /// As it stands in the header; foreign text.
    package let retryAfter: String?
    /// The other side's clock, as it stands in the header; foreign text.
    package let date: String?
    /// The media type without parameters, lower case; foreign text.
    package let contentType: String?
    /// Empty where a streamed body went to its sink.
    package let body: ReplyBody
}

/// Why there is no whole answer. All words are ours.
package struct Failure: Error, Sendable, Equatable {
    package let kind: Kind
    /// A sentence fragment such as `connection refused`.
    package let what: String
    /// Whether any byte of the request may have left this host. `false` means that the other side can't have acted on it.
    package let wasSent: Bool

    package enum Kind: Sendable, Equatable {
        case connectFailed, tlsFailed, timedOut, reset, overlong, garbage, cancelled
        /// Too many requests wait already.
        case busy
        /// A secret that no header can carry.
        case unsendable
    }

    package init(_ kind: Kind, _ what: String, wasSent: Bool) {
        self.kind = kind
        self.what = what
        self.wasSent = wasSent
    }
}
