import Glibc

/// A caller that sends bytes and reads what comes back, so that tests see what is really on the wire. Blocking: use it off the cooperative pool.
final class RawCaller: Sendable {
    private let socket: Int32

    init(_ path: String) throws {
        // SAFETY: plain system calls on a descriptor that only this object has; the address lives through connect.
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw CallFailed(code: errno) }
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// To a port of 127.0.0.1.
    init(port: UInt16) throws {
        // SAFETY: as above.
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = LoopbackListener.address(port)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw CallFailed(code: errno) }
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        // SAFETY: the descriptor is this object's own.
        close(socket)
    }

    func send(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            // SAFETY: the buffer is valid for the length of the call.
            let sent = rest.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { return }
            rest = rest.dropFirst(sent)
        }
    }

    func closeWriting() {
        // SAFETY: the descriptor is this object's own.
        shutdown(socket, Int32(SHUT_WR))
    }

    /// Reads until the text so far satisfies the condition, or the other side closes.
    func read(until isEnough: (String) -> Bool = { _ in false }) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while !isEnough(String(decoding: bytes, as: UTF8.self)) {
            // SAFETY: the buffer has room for as many bytes as are asked for.
            let count = recv(socket, &chunk, chunk.count, 0)
            guard count > 0 else { break }
            bytes += chunk.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whether the other side closed the connection, and nothing of it is left to read.
    var isClosed: Bool {
        var byte: UInt8 = 0
        // SAFETY: there is room for the one byte that is asked for.
        return recv(socket, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) == 0
    }

    /// One request that ends the connection, and all that comes back.
    static func ask(_ path: String, _ request: String) throws -> String {
        let caller = try RawCaller(path)
        caller.send(request)
        return caller.read()
    }
}

struct CallFailed: Error {
    let code: Int32
}
