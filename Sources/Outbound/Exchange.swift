internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// One request on its way over one connection.
final class Exchange: Sendable {
    let replyBytesMax: Int
    /// Takes the body of a 200 in pieces, on the connection's event loop; `false` ends it.
    let sink: (@Sendable (RawSpan) -> Bool)?
    let deadline: NIODeadline
    /// What a time-out says.
    let timeLimit: Duration

    private let parts: Mutex<Parts?>

    struct Parts {
        let head: HTTPRequestHead
        let body: ByteBuffer?
    }

    /// How it ended.
    enum End: Sendable {
        case seen(Outcome, connection: Afterwards)
        /// The connection turned out to be dead before a byte was written: the request may go over another one.
        case neverWritten
    }

    enum Afterwards: Sendable {
        case reusable, spent
    }

    init(
        head: HTTPRequestHead, body: ByteBuffer?, replyBytesMax: Int, sink: (@Sendable (RawSpan) -> Bool)?, deadline: NIODeadline,
        timeLimit: Duration
    ) {
        parts = Mutex(Parts(head: head, body: body))
        self.replyBytesMax = replyBytesMax
        self.sink = sink
        self.deadline = deadline
        self.timeLimit = timeLimit
    }

    /// Once: the parts hold secrets, and live no longer than it takes to write them.
    func takeParts() -> Parts? {
        parts.withLock { parts in
            defer { parts = nil }
            return parts
        }
    }

    /// Remembered, since the task may be cancelled before the event loop gets to see the exchange: then there is nothing left to write.
    func cancel() {
        _ = takeParts()
    }
}
