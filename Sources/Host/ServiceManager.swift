import CLinux
import CSystemd
import Glibc

/// What systemd hands to a service and wants to hear from it. Without systemd everything here does nothing.
package struct ServiceManager: Sendable {
    /// The longest that it goes without a sign of life before it ends the service. `nil` without a watchdog.
    package let watchdogInterval: Duration?
    private let isListening: Bool

    /// Takes `$NOTIFY_SOCKET` and `$WATCHDOG_USEC` as they are now.
    package init() {
        // SAFETY: getenv's answer is only compared; nothing changes the environment while the daemon starts.
        isListening = getenv("NOTIFY_SOCKET") != nil
        var microseconds: UInt64 = 0
        // SAFETY: fills a live variable.
        let isWatched = sd_watchdog_enabled(0, &microseconds) > 0
        watchdogInterval = isWatched ? .microseconds(Int64(microseconds)) : nil
    }

    package enum News: Sendable, Equatable {
        /// Callers can connect. The status goes with it.
        case ready(status: String)
        case stopping
        case status(String)
        case alive
        /// `ready` follows.
        case reloading
        /// More time than the unit's time-out allows, from now.
        case extend(Duration)
    }

    /// Best effort, as sd_notify(3) wants it: a service must work without anybody listening.
    package func tell(_ news: News) {
        guard isListening else { return }
        // SAFETY: the text is a C string for the length of the call.
        _ = sd_notify(0, news.text)
    }
}

extension ServiceManager.News {
    var text: String {
        switch self {
        case .ready(let status): "READY=1\nSTATUS=\(Self.line(status))"
        case .stopping: "STOPPING=1"
        case .status(let status): "STATUS=\(Self.line(status))"
        case .alive: "WATCHDOG=1"
        case .reloading: "RELOADING=1\nMONOTONIC_USEC=\(monotonicMicroseconds)"
        case .extend(let time): "EXTEND_TIMEOUT_USEC=\(Int64(time / .microseconds(1)))"
        }
    }

    /// A line break would begin another assignment.
    private static func line(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 })
    }

    /// Type=notify-reload wants it (systemd 253).
    private var monotonicMicroseconds: Int64 {
        // SAFETY: no arguments, no state.
        kt_monotonic_microseconds()
    }
}

extension ListeningSocket {
    /// SD_LISTEN_FDS_START
    private static let firstInherited: Int32 = 3

    /// The sockets of socket activation; none without it. Takes `$LISTEN_FDS` out of the environment, so that it works once, at start.
    package static func inherited() throws(SocketFailure) -> [ListeningSocket] {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        // SAFETY: `names` receives an allocated list of allocated strings, one for each descriptor; both are freed below.
        let count = sd_listen_fds_with_names(1, &names)
        guard count >= 0 else { throw .system(SystemError("take the sockets that systemd handed over", code: -count)) }
        // SAFETY: the list is ours.
        defer { free(names) }
        // SAFETY: the list has `count` strings, each of them ours and freed here, once.
        let known = (0..<Int(count)).map { index in
            guard let name = names?[index] else { return "unknown" }
            defer { free(name) }
            return String(cString: name)
        }
        var sockets: [ListeningSocket] = []
        for (index, name) in known.enumerated() {
            let descriptor = firstInherited + Int32(index)
            guard let purpose = Purpose(rawValue: name) else { throw .unknownName(name) }
            guard purpose.fits(descriptor) else { throw .unfitDescriptor(purpose) }
            sockets.append(ListeningSocket(inherited: descriptor, for: purpose))
        }
        return sockets
    }
}

extension ListeningSocket.Purpose {
    fileprivate func fits(_ descriptor: Int32) -> Bool {
        let stream = Int32(SOCK_STREAM.rawValue)
        switch self {
        case .api:
            // SAFETY: takes a number; says whether it is a listening Unix stream socket, whatever its path.
            return sd_is_socket_unix(descriptor, stream, 1, nil, 0) > 0
        case .metrics:
            // SAFETY: both take a number; the first says whether it is a listening TCP socket of either family, whatever its port.
            return sd_is_socket_inet(descriptor, AF_UNSPEC, stream, 1, 0) > 0 && kt_is_loopback(descriptor) == 1
        }
    }
}
