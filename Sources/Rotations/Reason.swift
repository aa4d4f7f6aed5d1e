/// Why something did not go as it should: our own words, and the backend's.
package struct Reason: Sendable, Equatable, Codable {
    /// A sentence fragment of ours that names what was seen, such as `the backend answered 403`. No foreign text.
    package let what: String
    /// What the backend said, scrubbed of secrets and control characters, at most 300 characters. Shown to callers with `audit` only.
    package let backendMessage: String?

    package init(_ what: String, backendMessage: String? = nil) {
        self.what = what
        self.backendMessage = backendMessage
    }
}
