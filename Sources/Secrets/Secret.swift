import CSodium

/// Bytes that must not leak: in guarded, locked pages of their own (`sodium_malloc`), no-access between uses, zeroed at the end.
/// Can't be copied, printed, encoded or compared with `==`.
package struct Secret: ~Copyable, Sendable {
    private let pages: GuardedPages
    /// How many bytes it has; not itself a secret.
    package private(set) var count: Int

    /// Allocates `count` bytes and lets `fill` write them all.
    package init<E: Error>(count: Int, fill: (UnsafeMutableRawBufferPointer) throws(E) -> Void) throws(E) {
        pages = GuardedPages(count: count)
        self.count = count
        // On a throw the stored reference goes out of scope with `self`, which zeroes and frees the pages.
        try fill(pages.bytes)
        pages.close()
    }

    package init(random count: Int, from random: any RandomSource) {
        self.init(count: count) { random.fill($0) }
    }

    /// For what is filled bit by bit inside this module.
    init(zeroed count: Int) {
        self.init(count: count) { $0.initializeMemory(as: UInt8.self, repeating: 0) }
    }

    /// Forgets what lies behind the first `count` bytes; it is zeroed with the rest.
    package mutating func truncate(to count: Int) {
        precondition(count <= self.count)
        self.count = count
    }

    /// Hands the memory over, writable, to someone who gives it back with `GuardedMemory.free`: for buffers that a library owns.
    package consuming func relinquish() -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: pages.relinquish()[..<count])
    }

    /// The only way to read it. The span must not be copied anywhere that is not wiped.
    package func withBytes<R: ~Copyable, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
        pages.open()
        defer { pages.close() }
        return try body(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: pages.bytes[..<count])))
    }

    /// Writes are for the module's own builders, before the secret is handed out: whoever holds it may rely on it never changing.
    mutating func withMutableBytes<R: ~Copyable, E: Error>(_ body: (UnsafeMutableRawBufferPointer) throws(E) -> R) throws(E) -> R {
        pages.openForWriting()
        defer { pages.close() }
        return try body(UnsafeMutableRawBufferPointer(rebasing: pages.bytes[..<count]))
    }

    /// In constant time for equal lengths (`sodium_memcmp`).
    package func matches(_ other: borrowing Secret) -> Bool {
        guard count == other.count else { return false }
        return withBytes { mine in
            other.withBytes { theirs in
                // SAFETY: both pointers are valid for `count` bytes while the spans live.
                unsafe mine.withUnsafeBytes { one in
                    unsafe theirs.withUnsafeBytes { two in unsafe sodium_memcmp(one.baseAddress, two.baseAddress, one.count) == 0 }
                }
            }
        }
    }

    package func clone() -> Secret {
        withBytes { bytes in Secret(count: bytes.byteCount) { target in bytes.copy(into: target) } }
    }
}

/// A secret that several tasks use at the same time; zeroed when the last one lets go.
package final class SharedSecret: Sendable {
    package let secret: Secret

    package init(_ secret: consuming Secret) {
        self.secret = secret
    }
}
