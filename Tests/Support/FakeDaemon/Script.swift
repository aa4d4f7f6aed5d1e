import Synchronization

/// One reply after the other; the last one stays.
package final class Script: Sendable {
    private let rest: Mutex<[FakeDaemon.Reply]>

    package init(_ replies: [FakeDaemon.Reply]) {
        precondition(!replies.isEmpty, "a script without a reply")
        rest = Mutex(replies)
    }

    package func next() -> FakeDaemon.Reply {
        rest.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
    }
}
