import Foundation
import Glibc
import Synchronization

/// Stands in for systemd: hears what a service tells by sd_notify(3).
package final class NotifySocket: Sendable {
    package let path: String
    private let descriptor: Int32
    private let heard = Mutex<[String]>([])

    package init(path: String) throws {
        self.path = path
        descriptor = try UnixAddress(path).socket(SOCK_DGRAM) { bind($0, $1, $2) }
        Thread.detachNewThread { [self] in listen() }
    }

    private func listen() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            // SAFETY: the buffer has as many bytes as are asked for.
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            let lines = String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n").map(String.init)
            heard.withLock { $0 += lines }
        }
    }

    package var lines: [String] { heard.withLock { $0 } }

    package struct NotHeard: Error { let line: String }

    /// Returns once it was told a line.
    package func hears(_ line: String, within time: Duration = .seconds(30)) async throws {
        let end = ContinuousClock.now + time
        while !lines.contains(line) {
            guard ContinuousClock.now < end else { throw NotHeard(line: line) }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    package func close() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        Glibc.close(descriptor)
    }
}

/// A socket that listens before any daemon runs, as a socket unit's does.
package struct ListeningDescriptor: Sendable {
    package let descriptor: Int32

    package init(path: String) throws {
        descriptor = try UnixAddress(path).socket(SOCK_STREAM) { descriptor, address, size in
            let status = bind(descriptor, address, size)
            return status == 0 ? listen(descriptor, 128) : status
        }
    }

    package func close() { Glibc.close(descriptor) }
}

/// The address of a Unix socket.
struct UnixAddress {
    private var address = sockaddr_un()

    struct Failed: Error { let code: Int32 }

    init(_ path: String) {
        address.sun_family = sa_family_t(AF_UNIX)
        precondition(path.utf8.count < MemoryLayout.size(ofValue: address.sun_path), "a path too long for a socket")
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    }

    /// A new socket, after `use` has bound or connected it to this.
    func socket(_ type: __socket_type, _ use: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32) throws -> Int32 {
        let descriptor = Glibc.socket(AF_UNIX, Int32(type.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failed(code: errno) }
        // SAFETY: the address is valid for the call and of the size that is given.
        let status = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { use(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
        guard status == 0 else {
            let code = errno
            Glibc.close(descriptor)
            throw Failed(code: code)
        }
        return descriptor
    }
}
