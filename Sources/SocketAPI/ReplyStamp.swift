import HTTPTypes
import Hummingbird
import Model
import Synchronization

/// What every reply carries: the time, and an id that the log has too.
final class ReplyStamp: Sendable {
    private let now: @Sendable () -> Timestamp
    /// The text of one second is made once.
    private let latest = Mutex((second: Int64(-1), text: ""))

    init(now: @escaping @Sendable () -> Timestamp) {
        self.now = now
    }

    func put(on headers: inout HTTPFields, requestID: String) {
        headers[.date] = date()
        headers[.requestID] = requestID
    }

    static func newRequestID() -> String { RequestID().description }

    private func date() -> String {
        let second = max(0, now().milliseconds / 1000)
        return latest.withLock { latest in
            if latest.second != second { latest = (second, HTTPDate.text(secondsSince1970: second)) }
            return latest.text
        }
    }
}

extension HTTPField.Name {
    static var requestID: HTTPField.Name { known("X-Request-Id") }
    static var retryAfter: HTTPField.Name { known("Retry-After") }

    private static func known(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("'\(name)' is no header field's name") }
        return name
    }
}
