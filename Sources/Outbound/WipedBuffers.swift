@_spi(CustomByteBufferAllocator) internal import NIOCore
internal import Secrets

extension ByteBufferAllocator {
    /// Buffers that are zeroed when they are freed or outgrown. A connection's channel allocates all its own from here.
    static let wiped = ByteBufferAllocator(
        allocate: { WipedMemory.allocate($0) },
        reallocate: { old, _, count in old.map { WipedMemory.reallocate($0, to: count) } ?? WipedMemory.allocate(count) },
        deallocate: { WipedMemory.free($0) },
        copy: { target, source, count in target.copyMemory(from: source, byteCount: count) })

    /// For memory that `Secret.relinquish()` handed over: it is freed with its guard pages, and never grows.
    fileprivate static let guarded = ByteBufferAllocator(
        allocate: { WipedMemory.allocate($0) },
        reallocate: { _, _, _ in fatalError("a guarded buffer does not grow") },
        deallocate: { GuardedMemory.free($0) },
        copy: { target, source, count in target.copyMemory(from: source, byteCount: count) })
}

extension ByteBuffer {
    /// The same memory as the secret's, now owned by the buffer: readable until the last reference goes, then zeroed.
    init(_ secret: consuming Secret) {
        // SAFETY: the buffer takes ownership; its allocator frees what sodium_malloc gave.
        self = unsafe ByteBuffer(takingOwnershipOf: secret.relinquish(), allocator: .guarded)
    }

    /// Zeroes all that the buffer's storage holds between its indices, where the storage is shared as well.
    mutating func wipeReadableBytes() {
        withUnsafeReadableBytes { bytes in
            // SAFETY: NIO hands the bytes over to the last reader, which is the caller; nobody looks at them again.
            WipedMemory.wipe(unsafe UnsafeMutableRawBufferPointer(mutating: bytes))
        }
        clear()
    }
}
