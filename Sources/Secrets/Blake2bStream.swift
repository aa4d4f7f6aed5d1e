import CSodium

/// BLAKE2b without a key, 32 bytes, over what comes piece by piece. For what is not secret: the pieces pass through ordinary memory.
package struct Blake2bStream: ~Copyable {
    private let state: UnsafeMutableRawPointer
    private static let alignment = 64

    package static let byteCount = 32

    package init() {
        Sodium.ready()
        // SAFETY: libsodium says how many bytes a state has; 64 is the alignment that its type asks for.
        state = UnsafeMutableRawPointer.allocate(byteCount: crypto_generichash_statebytes(), alignment: Self.alignment)
        // SAFETY: the state is ours, large enough and aligned; no key is given.
        let status = unsafe crypto_generichash_init(OpaquePointer(state), nil, 0, Self.byteCount)
        precondition(status == 0, "BLAKE2b refused a hash of \(Self.byteCount) bytes")
    }

    private init(copying other: borrowing Blake2bStream) {
        state = UnsafeMutableRawPointer.allocate(byteCount: crypto_generichash_statebytes(), alignment: Self.alignment)
        // SAFETY: both states have that many bytes and don't overlap.
        unsafe state.copyMemory(from: other.state, byteCount: crypto_generichash_statebytes())
    }

    package mutating func add(_ bytes: [UInt8]) {
        // SAFETY: the state was initialised; the array has as many bytes as are said.
        _ = unsafe crypto_generichash_update(OpaquePointer(state), bytes, UInt64(bytes.count))
    }

    /// Of what was added so far; more may follow.
    package func digest() -> [UInt8] {
        let end = Blake2bStream(copying: self)
        return [UInt8](unsafeUninitializedCapacity: Self.byteCount) { output, filled in
            // SAFETY: the state was initialised and is used no more; the output has room for the hash.
            _ = unsafe crypto_generichash_final(OpaquePointer(end.state), output.baseAddress!, Self.byteCount)
            filled = Self.byteCount
        }
    }

    deinit {
        // SAFETY: allocated in the initialiser, freed once.
        unsafe state.deallocate()
    }
}
