import CSodium
import Synchronization

/// One sodium_malloc allocation. A class, so that a throwing initialiser of `Secret` still frees it.
final class GuardedPages: Sendable {
    // SAFETY: the address never changes; its contents are written only in `Secret.init`, before anybody else can see it.
    nonisolated(unsafe) let bytes: UnsafeMutableRawBufferPointer
    /// Readers at this moment: the pages are readable while it is above zero.
    private let readers = Mutex(1)

    init(count: Int) {
        bytes = GuardedMemory.allocate(max(count, 1))
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
        // SAFETY: as above; nobody reads any more.
        GuardedMemory.free(unsafe bytes.baseAddress!)
    }
}
