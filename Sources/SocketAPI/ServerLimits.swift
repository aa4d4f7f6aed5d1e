/// What one caller may use up. The defaults are design.md section 8; tests make them small.
package struct ServerLimits: Sendable {
    /// Bodies hold names, numbers and sealed boxes.
    package var bodyBytesMax = 64 * 1024
    /// Request line and header fields together, as the parser counts them.
    package var headBytesMax = 16 * 1024
    /// From the first byte of a request to its last.
    package var requestTime: Duration = .seconds(10)
    /// Without a request under way.
    package var idleTime: Duration = .seconds(60)
    /// How long the request of somebody who has just connected is waited for when the daemon stops.
    package var firstRequestTime: Duration = .milliseconds(500)
    /// How long what a refused caller still sends is read and thrown away, so that it gets to read the reply.
    package var lingerTime: Duration = .seconds(2)
    package var connectionsPerCaller = 1024
    /// On the metrics' socket there is no telling callers apart: this is for all of them. A few scrapers need one each.
    package var openConnections = 16
    /// There, a connection that does nothing makes room for another sooner.
    package var openIdleTime: Duration = .seconds(10)
    /// Between two comments in a stream of events, which show a caller that the daemon is there.
    package var heartbeat: Duration = .seconds(15)

    package init() {}
}
