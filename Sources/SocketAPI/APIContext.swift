package import Access
package import Hummingbird
package import Logging

/// What a route knows besides the request: who asks, and whether they still listen.
package struct APIContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// As the kernel and PID 1 tell it.
    package let caller: Access.Caller
    /// The same as in the reply's `X-Request-Id`.
    package let requestID: String
    /// Opens when the daemon begins to stop: a reply that could wait for minutes should come now.
    package let stopping: Latch
    let connection: Connection
    let limits: ServerLimits

    package struct Source: RequestContextSource {
        package let logger: Logger
        let caller: Access.Caller
        let requestID: String
        let stopping: Latch
        let connection: Connection
        let limits: ServerLimits
    }

    package init(source: Source) {
        coreContext = CoreRequestContextStorage(source: source)
        caller = source.caller
        requestID = source.requestID
        stopping = source.stopping
        connection = source.connection
        limits = source.limits
    }

    package var maxUploadSize: Int { limits.bodyBytesMax }
}

extension APIContext {
    /// Opens when the caller went.
    package var gone: Latch { connection.gone }

    /// Waits for something on the caller's behalf. When the caller goes, `operation` is cancelled and `CallerWent` is thrown:
    /// what was asked for goes on, only nobody waits for it any more.
    package func whileCallerListens<Value: Sendable>(_ operation: @escaping @Sendable () async throws -> Value) async throws -> Value {
        let gone = connection.gone
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await operation() }
            group.addTask {
                await gone.wait()
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let value = first else { throw CallerWent() }
            return value
        }
    }
}

/// Nobody reads the reply any more.
package struct CallerWent: Error {}
