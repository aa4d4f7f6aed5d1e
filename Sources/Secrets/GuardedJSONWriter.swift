/// Builds JSON around secrets in guarded memory: they are escaped straight from their own pages into the result's.
package struct GuardedJSONWriter: ~Copyable {
    private var text: Secret
    private var count = 0

    /// `capacity` bytes are enough for most; it grows by doubling, and what it outgrows is wiped.
    package init(capacity: Int = 1024) {
        text = Secret(zeroed: max(capacity, 16))
    }

    /// Braces, names, separators: what stands in the program text.
    package mutating func literal(_ literal: StaticString) {
        literal.withUTF8Buffer { bytes in append(UnsafeRawBufferPointer(bytes)) }
    }

    /// A JSON string with its quotes.
    package mutating func string(_ string: String) {
        var string = string
        string.withUTF8 { bytes in
            // SAFETY: the span does not outlive the closure in which the buffer is valid.
            appendQuoted(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(bytes)))
        }
    }

    /// A JSON string with its quotes.
    package mutating func string(_ secret: borrowing Secret) {
        secret.withBytes { appendQuoted($0) }
    }

    package mutating func number(_ number: Int64) {
        var digits = String(number)
        digits.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    package consuming func finish() -> Secret {
        text.truncate(to: count)
        return text
    }

    private mutating func append(_ bytes: UnsafeRawBufferPointer) {
        reserve(bytes.count)
        text.withMutableBytes { UnsafeMutableRawBufferPointer(rebasing: $0[count...]).copyMemory(from: bytes) }
        count += bytes.count
    }

    private mutating func appendQuoted(_ bytes: RawSpan) {
        reserve(JSONText.escapedCount(bytes) + 2)
        text.withMutableBytes { target in
            target[count] = UInt8(ascii: "\"")
            count += 1
            count += JSONText.escape(bytes, into: UnsafeMutableRawBufferPointer(rebasing: target[count...]))
            target[count] = UInt8(ascii: "\"")
            count += 1
        }
    }

    private mutating func reserve(_ more: Int) {
        guard count + more > text.count else { return }
        var larger = Secret(zeroed: max(2 * text.count, count + more))
        larger.withMutableBytes { target in text.withBytes { $0.copy(into: target) } }
        text = larger
    }
}
