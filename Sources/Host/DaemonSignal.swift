import Dispatch
import Glibc

/// The signals that tell a daemon what to do.
package enum DaemonSignal: Sendable, Equatable {
    /// SIGTERM, SIGINT
    case stop
    /// SIGHUP
    case reload

    /// Once this returns these signals no longer end the process but come here; until then they end it, so that none is lost.
    /// The latest few are kept until they are read.
    package static func stream() async -> AsyncStream<DaemonSignal> {
        let (stream, continuation) = AsyncStream.makeStream(of: DaemonSignal.self, bufferingPolicy: .bufferingNewest(8))
        for (number, meaning) in [(SIGTERM, DaemonSignal.stop), (SIGINT, .stop), (SIGHUP, .reload)] {
            await watch(number) { continuation.yield(meaning) }
        }
        return stream
    }

    private static func watch(_ number: Int32, _ came: @escaping @Sendable () -> Void) async {
        let source = DispatchSource.makeSignalSource(signal: number)
        // The source lives as long as the process: its handler holds it.
        // SAFETY: Dispatch sources may be used from any thread; here it is only kept.
        nonisolated(unsafe) let kept = source
        source.setEventHandler {
            _ = kept
            came()
        }
        await withCheckedContinuation { continuation in
            source.setRegistrationHandler {
                // SAFETY: SIG_IGN runs no code of ours; Dispatch reads the signal from a descriptor, where it is seen all the same.
                signal(number, SIG_IGN)
                continuation.resume()
            }
            source.resume()
        }
    }
}
