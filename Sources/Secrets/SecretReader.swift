import Glibc

/// Reads secrets from a file descriptor straight into guarded memory.
package enum SecretReader {
    /// Keys have tens to a few thousand bytes; a whole service account fits ten times.
    package static let bytesMax = 64 << 10

    package enum Failure: Error, Equatable {
        case tooLong
        /// errno of read(2).
        case unreadable(CInt)
    }

    /// Where reading ends.
    package enum End: Sendable {
        case endOfFile
        /// A terminal hands out a line at a time.
        case line
    }

    /// All bytes up to the end, line break included.
    package static func read(_ descriptor: CInt, to end: End) throws(Failure) -> Secret {
        var count = 0
        let buffer = try Secret(count: bytesMax + 1) { (target) throws(Failure) in
            count = try fill(target, from: descriptor, to: end)
        }
        guard count <= bytesMax else { throw .tooLong }
        return buffer.slice(0..<count)
    }

    private static func fill(_ target: UnsafeMutableRawBufferPointer, from descriptor: CInt, to end: End) throws(Failure) -> Int {
        var count = 0
        while count < target.count {
            // SAFETY: there are `target.count - count` writable bytes from there on.
            let more = unsafe Glibc.read(descriptor, target.baseAddress! + count, target.count - count)
            if more < 0 {
                if errno == EINTR { continue }
                throw .unreadable(errno)
            }
            count += more
            let isLineEnd = count > 0 && target[count - 1] == UInt8(ascii: "\n")
            if more == 0 || end == .line && isLineEnd { break }
        }
        return count
    }
}

extension Secret {
    /// A copy of some of its bytes.
    package func slice(_ range: Range<Int>) -> Secret {
        withBytes { bytes in Secret(count: range.count) { bytes.extracting(range).copy(into: $0) } }
    }
}
