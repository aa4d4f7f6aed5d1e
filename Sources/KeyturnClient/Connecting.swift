import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix

extension Daemon {
    /// Opens a connection. Nothing is sent on it yet.
    func connect() async throws(ClientError) -> HTTPConnection {
        let end = ContinuousClock.now + limits.connectTime
        while true {
            do {
                return try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                    .connectTimeout(TimeAmount(limits.connectTime))
                    .connect(unixDomainSocketPath: socketPath) { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHTTPClientHandlers()
                            return try HTTPConnection(wrappingChannelSynchronously: channel)
                        }
                    }
            } catch let error as IOError where error.errnoCode == EAGAIN && ContinuousClock.now < end {
                // unix(7): a full backlog answers EAGAIN at once instead of letting us wait.
                try? await Task.sleep(for: Self.backlogPause)
                if Task.isCancelled { throw .unreachable(path: socketPath, why: "the call was cancelled") }
            } catch {
                throw .unreachable(path: socketPath, why: Failing.sentence(of: error))
            }
        }
    }

    private static let backlogPause = Duration.milliseconds(20)
}

/// What went wrong below HTTP, in words.
enum Failing {
    static func sentence(of error: any Error) -> String {
        switch error {
        case let error as IOError: sentence(errno: error.errnoCode)
        case ChannelError.connectTimeout: "nobody accepts the connection"
        case is CancellationError: "the call was cancelled"
        case SocketAddressError.unixDomainSocketPathTooLong: "a socket's path has at most 107 bytes"
        default: "\(type(of: error))"
        }
    }

    private static func sentence(errno code: CInt) -> String {
        switch code {
        case ENOENT: "there is no such socket (is keyturnd running?)"
        case ECONNREFUSED: "nobody listens on the socket (is keyturnd running?)"
        case EACCES, EPERM: "you may not open the socket; its group is the one to be a member of"
        case EAGAIN: "too many callers are waiting"
        case ENOTSOCK: "it is not a socket"
        case ECONNRESET, EPIPE: "the other side closed it"
        default: "error \(code)"
        }
    }
}
