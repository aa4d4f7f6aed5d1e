internal import NIOCore

/// One open connection, from any thread.
final class Connection: Sendable {
    private let channel: any Channel
    private let driver: NIOLoopBound<ConnectionDriver>

    init(channel: any Channel, driver: NIOLoopBound<ConnectionDriver>) {
        self.channel = channel
        self.driver = driver
    }

    var isActive: Bool { channel.isActive }

    /// Ends early, and the connection with it, when the task is cancelled.
    func perform(_ exchange: Exchange) async -> Exchange.End {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                channel.eventLoop.execute { self.driver.value.start(exchange, continuation) }
            }
        } onCancel: {
            exchange.cancel()
            channel.eventLoop.execute { self.driver.value.cancel(exchange) }
        }
    }

    /// Nobody waits for it: a TLS farewell takes as long as the other side likes.
    func close() {
        channel.close(promise: nil)
    }

    /// Closes the socket at once, without a farewell.
    func cut() {
        channel.eventLoop.execute { self.driver.value.cut() }
    }

    func whenClosed(_ body: @escaping @Sendable () -> Void) {
        channel.closeFuture.whenComplete { _ in body() }
    }
}
