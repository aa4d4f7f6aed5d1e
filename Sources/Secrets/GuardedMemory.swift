import CSodium
import Glibc
import Synchronization

/// Guarded, locked memory (`sodium_malloc`) that a forked process finds empty. Getting and returning pages costs the kernel a dozen calls, and each stops the other cores
/// for a moment: pages of the usual size are therefore kept, zeroed, for the next secret.
package enum GuardedMemory {
    /// Keys, tokens, packed credentials and request bodies are smaller; larger ones get pages of their own.
    private static let usualBytes = 2048
    /// What is kept at most; more are in use only in a burst.
    private static let keptMax = 64

    private struct Kept {
        var free: [UInt] = []
        /// All usual-sized allocations, in use or free.
        var all: Set<UInt> = []
    }

    private static let kept = Mutex(Kept())

    /// Writable.
    static func allocate(_ count: Int) -> UnsafeMutableRawBufferPointer {
        guard count <= usualBytes else { return fresh(count) }
        if let address = kept.withLock({ $0.free.popLast() }), let start = UnsafeMutableRawPointer(bitPattern: address) {
            return UnsafeMutableRawBufferPointer(start: start, count: count)
        }
        let memory = fresh(usualBytes)
        kept.withLock { _ = $0.all.insert(UInt(bitPattern: memory.baseAddress)) }
        return UnsafeMutableRawBufferPointer(rebasing: memory[..<count])
    }

    /// Zeroes and frees what `allocate` gave or `Secret.relinquish()` handed out.
    package static func free(_ start: UnsafeMutableRawPointer) {
        let address = UInt(bitPattern: start)
        let isUsual = kept.withLock { kept -> Bool in
            guard kept.all.contains(address) else { return false }
            guard kept.free.count < keptMax else {
                kept.all.remove(address)
                return false
            }
            return true
        }
        guard isUsual else {
            // SAFETY: the start of a sodium_malloc allocation that nobody uses any more; sodium_free zeroes it first.
            return unsafe sodium_free(start)
        }
        // SAFETY: the same, `usualBytes` long; writable again for its zeroing and its next user.
        unsafe sodium_mprotect_readwrite(start)
        unsafe sodium_memzero(start, usualBytes)
        kept.withLock { $0.free.append(address) }
    }

    private static func fresh(_ count: Int) -> UnsafeMutableRawBufferPointer {
        Sodium.ready()
        // SAFETY: sodium_malloc gives `count` writable bytes or null; null means that memory is exhausted, where Swift traps anyway.
        guard let start = unsafe sodium_malloc(count) else { fatalError("no memory left for a guarded page") }
        emptyAfterFork(start, count)
        return UnsafeMutableRawBufferPointer(start: start, count: count)
    }

    /// libsodium keeps its pages out of core dumps, but a child process would have a copy of them.
    private static func emptyAfterFork(_ start: UnsafeMutableRawPointer, _ count: Int) {
        let pageBytes = UInt(sysconf(Int32(_SC_PAGESIZE)))
        // libsodium's canary lies in front, on a page of its own where the rest fills its pages.
        let first = (UInt(bitPattern: start) - 1) / pageBytes * pageBytes
        let end = (UInt(bitPattern: start) + UInt(count) + pageBytes - 1) / pageBytes * pageBytes
        // SAFETY: whole pages of the private, anonymous mapping that sodium_malloc made; its guard pages, which hold nothing, at most besides.
        // A kernel too old for it (before 4.14) refuses, and nothing else changes.
        _ = unsafe madvise(UnsafeMutableRawPointer(bitPattern: first), Int(end - first), Int32(MADV_WIPEONFORK))
    }
}
