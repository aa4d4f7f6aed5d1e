/// One request but for its secrets: those are handed over beside it, for as long as it takes to write them.
package struct Request: Sendable {
    package let method: Method
    /// Below the base URL's own path, beginning with `/`, already percent-encoded.
    package let path: String
    /// Already percent-encoded, without the `?`.
    package let query: String?
    /// `nil` for the client's own limit.
    package let replyBytesMax: Int?

    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case delete = "DELETE"
    }

    package init(_ method: Method, _ path: String, query: String? = nil, replyBytesMax: Int? = nil) {
        precondition(path.hasPrefix("/"), "a request path begins with a slash")
        self.method = method
        self.path = path
        self.query = query
        self.replyBytesMax = replyBytesMax
    }
}
