/// What one client allows; each of them can only end a request early, never prolong it.
package struct Limits: Sendable, Hashable {
    /// Name resolution, TCP and TLS together.
    package var connect: Duration
    /// One request from the call to the last byte of the answer, the wait for a connection included.
    package var request: Duration
    package var replyBytesMax: Int
    /// The runner sends at most 8 rotations at once to an upstream; the rest is room for lists and checks by hand.
    package var connectionsMax: Int
    /// How long an unused connection is kept. Well below what servers usually allow, so that a dead one is rarely met.
    package var idle: Duration

    package init(
        connect: Duration = .seconds(5), request: Duration = .seconds(15), replyBytesMax: Int = 64 * 1024, connectionsMax: Int = 32,
        idle: Duration = .seconds(30)
    ) {
        self.connect = connect
        self.request = request
        self.replyBytesMax = replyBytesMax
        self.connectionsMax = connectionsMax
        self.idle = idle
    }

    /// Requests that may wait for a connection at once.
    static let waitersMax = 1024
    /// Head and chunk framing that an answer may have on top of its body.
    static let framingBytesMax = 64 * 1024
}

extension Duration {
    /// For error texts: `15 s`, `250 ms`.
    var inWords: String {
        let (seconds, attoseconds) = components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        return milliseconds % 1000 == 0 ? "\(seconds) s" : "\(milliseconds) ms"
    }
}
