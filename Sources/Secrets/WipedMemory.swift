import CSodium

/// Ordinary memory that is zeroed before it is freed: for bytes that only pass through, where guarded pages would cost too much.
/// The size is kept in front of what is handed out.
package enum WipedMemory {
    private static let headerBytes = 16

    package static func allocate(_ count: Int) -> UnsafeMutableRawPointer {
        let start = UnsafeMutableRawPointer.allocate(byteCount: count + headerBytes, alignment: headerBytes)
        start.storeBytes(of: count, as: Int.self)
        return start + headerBytes
    }

    package static func reallocate(_ old: UnsafeMutableRawPointer, to count: Int) -> UnsafeMutableRawPointer {
        let oldCount = (old - headerBytes).load(as: Int.self)
        let new = allocate(count)
        new.copyMemory(from: old, byteCount: min(oldCount, count))
        free(old)
        return new
    }

    package static func free(_ pointer: UnsafeMutableRawPointer) {
        let start = pointer - headerBytes
        wipe(UnsafeMutableRawBufferPointer(start: pointer, count: start.load(as: Int.self)))
        start.deallocate()
    }

    /// Zeroes in a way that the optimiser leaves alone.
    package static func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        // SAFETY: the buffer is valid for its count.
        unsafe sodium_memzero(start, bytes.count)
    }
}
