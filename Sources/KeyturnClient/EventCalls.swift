import KeyturnWire
import NIOCore
import NIOHTTP1

/// What somebody who watches sees.
package enum Watched: Sendable, Equatable {
    /// The stream is there. After a loss it goes on where it was.
    case connected
    case event(ServerEvent)
    /// The stream broke off; it is opened again after a pause.
    case disconnected(String)
}

/// How long to pause before attempt n (from 1) to open the stream again.
package struct ReconnectPause: Sendable {
    package let before: @Sendable (_ attempt: Int) -> Duration

    package init(before: @escaping @Sendable (_ attempt: Int) -> Duration) {
        self.before = before
    }

    /// 0.25 s, doubling to 5 s: a restart of the daemon is over before the second one.
    package static let doubling = ReconnectPause { attempt in
        min(.milliseconds(250 << min(attempt - 1, 10)), .seconds(5))
    }
}

extension Daemon {
    /// Events from now on, or from after `lastEventID`; without an end. Throws `ClientError` when the first attempt fails, or when the
    /// daemon refuses at a later one. A loss in between is told and mended: with `Last-Event-ID`, so that no durable event is missed.
    package func watch(
        config: String? = nil, after lastEventID: String? = nil, pause: ReconnectPause = .doubling
    ) -> AsyncThrowingStream<Watched, any Error> {
        AsyncThrowingStream(bufferingPolicy: .bufferingOldest(Self.watchedMax)) { continuation in
            let task = Task {
                var watch = Watch(daemon: self, config: config, lastID: lastEventID, continuation: continuation)
                do {
                    try await watch.run(pause: pause)
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    /// How many events may wait for a slow reader. One more ends the connection, and the next begins where this one ended.
    private static let watchedMax = 4096
}

private struct Watch {
    let daemon: Daemon
    let config: String?
    var lastID: String?
    let continuation: AsyncThrowingStream<Watched, any Error>.Continuation

    struct Overrun: Error {}

    mutating func run(pause: ReconnectPause) async throws {
        var wasConnected = false
        var attempt = 0
        while !Task.isCancelled {
            var isNewlyConnected = false
            let why: String
            do {
                try await follow { isNewlyConnected = true }
                why = "the daemon ended the stream"
            } catch let error as ClientError {
                guard wasConnected || isNewlyConnected, error.isPassing else { throw error }
                why = error.detail
            } catch is Overrun {
                why = "events came faster than they were read"
            } catch is EventParser.TooLong {
                throw ClientError.garbage("an event has more than \(EventParser.eventBytesMax) bytes")
            } catch {
                why = Failing.sentence(of: error)
            }
            attempt = isNewlyConnected ? 1 : attempt + 1
            wasConnected = wasConnected || isNewlyConnected
            if isNewlyConnected { continuation.yield(.disconnected(why)) }
            try await Task.sleep(for: pause.before(attempt))
        }
    }

    /// One connection, to its end.
    private mutating func follow(onConnect: () -> Void) async throws {
        var request = Request.get("v1", "events", query: [("config", config)])
        request.headers = [("Accept", "text/event-stream")]
        if let lastID { request.headers.append(("Last-Event-ID", lastID)) }
        let connection = try await daemon.connect()
        let (parts, path, bytesMax) = (request.parts, daemon.socketPath, daemon.limits.replyBytesMax)
        try await connection.executeThenClose { inbound, outbound in
            try await outbound.write(contentsOf: parts)
            var head: RawReply?
            var parser = EventParser(lastID: lastID)
            for try await part in inbound {
                switch part {
                case .head(let received):
                    head = RawReply(received)
                    if received.status == .ok {
                        onConnect()
                        continuation.yield(.connected)
                    }
                case .body(let buffer) where head?.status == 200:
                    for event in try parser.feed(buffer.readableBytesView) { try pass(event) }
                case .body(let buffer):
                    guard head != nil, head!.body.count + buffer.readableBytes <= bytesMax else {
                        throw ClientError.garbage("it is too long")
                    }
                    head!.body.append(contentsOf: buffer.readableBytesView)
                case .end:
                    if let head, head.status != 200 { throw head.error }
                    return
                }
            }
            throw ClientError.unanswered(path: path, why: "the other side closed it")
        }
    }

    private mutating func pass(_ event: ServerEvent) throws {
        switch continuation.yield(.event(event)) {
        case .enqueued: lastID = event.id ?? lastID
        case .dropped: throw Overrun()
        case .terminated: throw CancellationError()
        @unknown default: throw CancellationError()
        }
    }
}

extension ClientError {
    /// Whether it may be over in a moment: the daemon restarts.
    fileprivate var isPassing: Bool {
        switch self {
        case .unreachable, .lost, .unanswered: true
        case .problem(let problem): problem.code == "stopping"
        case .untrusted, .garbage, .backupCutOff: false
        }
    }
}
