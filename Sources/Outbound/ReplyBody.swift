internal import NIOCore
internal import Secrets

/// The body of an answer, which may quote a secret: in memory that is zeroed when the last reference goes.
package final class ReplyBody: Sendable {
    private let buffer: ByteBuffer

    init(_ buffer: ByteBuffer) {
        self.buffer = buffer
    }

    package var count: Int { buffer.readableBytes }

    /// The span must not be copied anywhere that is not wiped.
    package func withBytes<R: ~Copyable, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
        let buffer = buffer  // a copy of the reference, so that the span has something local to depend on
        return try body(buffer.readableBytesSpan)
    }
}
