import CLinux
import Dispatch
import Glibc

/// The signals that tell a daemon what to do.
package enum DaemonSignal: Sendable, Equatable {
    /// SIGTERM, SIGINT
    case stop
    /// SIGHUP
    case reload

    /// Once this returns these signals no longer end the process but come here; until then they end it, so that none is lost.
    /// The latest few are kept until they are read. To be called once.
    ///
    /// Dispatch's own signal sources lose them on Linux: a signal set to be ignored never reaches them while the main thread waits.
    package static func stream() throws(SystemError) -> AsyncStream<DaemonSignal> {
        // SAFETY: installs handlers that only write a byte; answers a descriptor or -1.
        let descriptor = kt_watch_signals()
        guard descriptor >= 0 else { throw SystemError("watch for signals") }
        let (stream, continuation) = AsyncStream.makeStream(of: DaemonSignal.self, bufferingPolicy: .bufferingNewest(8))
        let source = DispatchSource.makeReadSource(fileDescriptor: descriptor)
        // SAFETY: a Dispatch source may be used from any thread; here its handler only keeps it, for as long as the process lives.
        nonisolated(unsafe) let kept = source
        source.setEventHandler {
            _ = kept
            for number in numbers(from: descriptor) {
                continuation.yield(number == SIGHUP ? .reload : .stop)
            }
        }
        source.resume()
        return stream
    }

    private static func numbers(from descriptor: Int32) -> [Int32] {
        var bytes = [UInt8](repeating: 0, count: 64)
        // SAFETY: the array has as much room as is said; the descriptor doesn't block.
        let count = read(descriptor, &bytes, bytes.count)
        return bytes.prefix(max(0, count)).map { Int32($0) }
    }
}
