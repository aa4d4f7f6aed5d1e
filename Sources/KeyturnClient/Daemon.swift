import KeyturnWire

/// The daemon at the other end of a Unix socket. Each call has a connection of its own, so that eight can wait at once
/// and none depends on how long an idle one is kept.
package struct Daemon: Sendable {
    package let socketPath: String
    package let limits: Limits

    package init(socketPath: String, limits: Limits = Limits()) {
        self.socketPath = socketPath
        self.limits = limits
    }

    package struct Limits: Sendable {
        /// A local connect takes microseconds; longer than this means that nobody accepts.
        package var connectTime = Duration.seconds(5)
        /// For all but rotations.
        package var replyTime = Duration.seconds(60)
        /// How long a daemon that stops is waited for to be there again, and how often it is asked: systemd starts the next one at once.
        package var restartTime = Duration.seconds(30)
        package var restartPause = Duration.seconds(1)
        package var now: @Sendable () -> ContinuousClock.Instant = { .now }
        /// A page of a thousand configs with twenty versions each is about 4 MiB.
        package var replyBytesMax = 16 << 20

        package init() {}
    }
}

extension Daemon {
    /// Sends a call whose answer has a body.
    func send<Body: Decodable & Sendable>(_ request: Request, as type: Body.Type) async throws(ClientError) -> Reply<Body> {
        let raw = try await exchange(request)
        do {
            return raw.with(try WireJSON.decode(type, from: raw.body))
        } catch {
            throw .garbage("\(request.method.rawValue) \(request.target) answered \(raw.status) with an unexpected body")
        }
    }

    /// Sends a call whose answer may come without a body (204).
    func send<Body: Decodable & Sendable>(_ request: Request, maybe type: Body.Type) async throws(ClientError) -> Reply<Body?> {
        let raw = try await exchange(request)
        guard !raw.body.isEmpty else { return raw.with(nil) }
        do {
            return raw.with(try WireJSON.decode(type, from: raw.body))
        } catch {
            throw .garbage("\(request.method.rawValue) \(request.target) answered \(raw.status) with an unexpected body")
        }
    }

    /// Sends a call of whose answer only the status matters.
    func sendForStatus(_ request: Request) async throws(ClientError) -> Reply<Void> {
        try await exchange(request).with(())
    }

    /// The raw answer if it is a good one, else its problem.
    private func exchange(_ request: Request) async throws(ClientError) -> RawReply {
        var end = limits.now()
        var turnedAway: ClientError?
        while true {
            let failure: ClientError
            do throws(ClientError) {
                let raw = try await Exchange(daemon: self, request: request).run()
                if request.goodStatuses.contains(raw.status) { return raw }
                failure = raw.error
            } catch { failure = error }
            // Turned away, it did nothing; asked again with its key, what was begun is gone on with. Between two daemons there may be no socket.
            let isOver = failure.isTurnedAway || failure.isInterrupted && request.hasIdempotencyKey
            if isOver, turnedAway == nil || failure.isInterrupted { end = limits.now() + limits.restartTime }
            if isOver { turnedAway = failure }
            guard let turnedAway, isOver || failure.isUnreachable else { throw failure }
            guard limits.now() < end else { throw turnedAway }
            do { try await Task.sleep(for: limits.restartPause) } catch { throw turnedAway }
        }
    }
}

extension RawReply {
    fileprivate func with<Body: Sendable>(_ body: Body) -> Reply<Body> {
        Reply(status: status, etag: etag, location: location, body: body)
    }

    /// The problem document, or a sentence where there is none: another server on this socket, or a proxy.
    var error: ClientError {
        if let problem = try? WireJSON.decode(ProblemDocument.self, from: body) { return .problem(problem) }
        return .garbage("it has the status \(status) and no problem document")
    }
}
