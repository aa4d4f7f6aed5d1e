import Foundation
import Glibc

/// One request written to a Unix socket byte by byte as given, and the reply, without any HTTP library between.
package enum RawCall {
    package struct Reply: Sendable, Equatable {
        package let status: Int
        package let headers: [String: String]
        package let body: String

        package var document: Document { get throws { try Document(body) } }
    }

    package struct Failed: Error {
        let what: String
        let code: Int32
    }

    /// Sends a request with a body, if any, and `Connection: close`.
    package static func send(_ method: String, _ target: String, body: String? = nil, headers: [String] = [], to socketPath: String)
        async throws -> Reply
    {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: keyturn\r\nConnection: close\r\n"
        for header in headers { head += header + "\r\n" }
        if let body { head += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n" }
        return try await send(Array((head + "\r\n" + (body ?? "")).utf8), to: socketPath)
    }

    package static func send(_ bytes: [UInt8], to socketPath: String) async throws -> Reply {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try exchange(bytes, socketPath) }) }
        }
    }

    /// Whether somebody takes connections there.
    package static func isServed(_ socketPath: String) -> Bool {
        guard let descriptor = try? connected(to: socketPath) else { return false }
        close(descriptor)
        return true
    }

    /// A connection, for its owner to close.
    package static func connected(to path: String) throws -> Int32 {
        try UnixAddress(path).socket(SOCK_STREAM) { connect($0, $1, $2) }
    }

    private static func exchange(_ bytes: [UInt8], _ path: String) throws -> Reply {
        let descriptor = try connected(to: path)
        defer { close(descriptor) }
        // Longer than any reply may take; a test that waits for ever is no test.
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        // SAFETY: the option is a live variable of the size that is given.
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var rest = bytes[...]
        while !rest.isEmpty {
            // SAFETY: the buffer is valid for its count.
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            // The daemon may have had enough, and says so in its reply.
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        var reply: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            // SAFETY: the buffer has as many bytes as are asked for.
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else {
                if count < 0, reply.isEmpty { throw Failed(what: "no reply", code: errno) }
                break
            }
            reply += buffer[..<count]
        }
        return try parsed(reply)
    }

    private static func parsed(_ bytes: [UInt8]) throws -> Reply {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else { throw Failed(what: "a reply without a head", code: 0) }
        let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
        guard let status = lines[0].split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw Failed(what: "a reply without a status", code: 0)
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let pair = line.split(separator: ":", maxSplits: 1)
            if pair.count == 2 { headers[pair[0].lowercased()] = pair[1].trimmingCharacters(in: .whitespaces) }
        }
        return Reply(status: status, headers: headers, body: String(text[end.upperBound...]))
    }
}
