/// An answer of the daemon that is not an error.
package struct Reply<Body: Sendable>: Sendable {
    package let status: Int
    /// For `If-Match`.
    package let etag: String?
    /// Where what was begun can be followed.
    package let location: String?
    package let body: Body
}

extension Reply: Equatable where Body: Equatable {}
