import CSodium
import Synchronization

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
    mutating func truncate(to count: Int) {
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

/// One sodium_malloc allocation. A class, so that a throwing initialiser of `Secret` still frees it.
private final class GuardedPages: Sendable {
    // SAFETY: the address never changes; its contents are written only in `Secret.init`, before anybody else can see it.
    nonisolated(unsafe) let bytes: UnsafeMutableRawBufferPointer
    /// Readers at this moment: the pages are readable while it is above zero.
    private let readers = Mutex(1)

    init(count: Int) {
        Sodium.ready()
        // SAFETY: sodium_malloc gives `count` writable bytes or null; null means that memory is exhausted, where Swift traps anyway.
        guard let start = unsafe sodium_malloc(max(count, 1)) else { fatalError("no memory left for a guarded page") }
        unsafe bytes = UnsafeMutableRawBufferPointer(start: start, count: max(count, 1))
    }

    func open() {
        readers.withLock { count in
            count += 1
            // SAFETY: `bytes` came from sodium_malloc and is not freed while `self` lives.
            if count == 1 { unsafe sodium_mprotect_readonly(bytes.baseAddress!) }
        }
    }

    /// Only where nobody else can hold these pages: exclusive access to the one `Secret` is what `mutating` asks for.
    func openForWriting() {
        readers.withLock { count in
            precondition(count == 0, "a secret is written while it is read")
            count = 1
            // SAFETY: as above.
            unsafe sodium_mprotect_readwrite(bytes.baseAddress!)
        }
    }

    func close() {
        readers.withLock { count in
            count -= 1
            // SAFETY: as above.
            if count == 0 { unsafe sodium_mprotect_noaccess(bytes.baseAddress!) }
        }
    }

    /// From here on the memory is the receiver's.
    func relinquish() -> UnsafeMutableRawBufferPointer {
        openForWriting()
        readers.withLock { $0 = Self.relinquished }
        return bytes
    }

    private static let relinquished = -1

    deinit {
        guard readers.withLock({ $0 }) != Self.relinquished else { return }
        // SAFETY: as above; sodium_free makes the pages writable and zeroes them first.
        unsafe sodium_free(bytes.baseAddress!)
    }
}
