import Host

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
    package var callers = CallerLimits()
    /// On the metrics' socket there is no telling callers apart: this is for all of them. A few scrapers need one each.
    package var openConnections = 16
    /// There, a connection that does nothing makes room for another sooner.
    package var openIdleTime: Duration = .seconds(10)
    /// Between two comments in a stream of events, which show a caller that the daemon is there.
    package var heartbeat: Duration = .seconds(15)

    package init() {}
}

/// What the callers of one user may use up together.
package struct CallerLimits: Sendable {
    /// Who could stop the daemon anyway is bound by the connections alone: root, and the daemon's own user.
    package var unlimited: Set<UInt32> = [0, Machine.ownUID]
    package var connectionsOfUnlimited = 1024
    /// Each app that waits for a rotation has one.
    package var connections = 256
    package var requestsPerSecond: Double = 100
    /// `rotate --all-due` and the like come in bursts.
    package var requestBurst: Double = 1000
    /// Rotations that are waited for, for the most part.
    package var requestsAtOnce = 128
    /// How long who asks too often waits for a second try, and then for being told.
    package var restTime: Duration = .seconds(1)
    package var streams = 16
    /// Of bodies that come in, or belong to a request under way.
    package var bodyBytesAtOnce = 1 << 20

    package init() {}

    func connections(of uid: UInt32) -> Int { unlimited.contains(uid) ? connectionsOfUnlimited : connections }
}
