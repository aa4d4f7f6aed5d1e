import CSodium

/// Where unpredictable bytes come from; injected, so that a test replays from a seed.
package protocol RandomSource: Sendable {
    /// Fills all of `buffer`.
    func fill(_ buffer: UnsafeMutableRawBufferPointer)
}

extension RandomSource {
    package func bytes(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            fill(UnsafeMutableRawBufferPointer(buffer))
            filled = count
        }
    }

    /// Uniform in 0..<1, for jitter.
    package func fraction() -> Double {
        let word = bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Double(word >> 11) * 0x1p-53
    }
}

/// The kernel's generator through libsodium.
package struct SystemRandom: RandomSource {
    package init() {}

    package func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        Sodium.ready()
        // SAFETY: the buffer is valid for its count.
        unsafe randombytes_buf(buffer.baseAddress!, buffer.count)
    }
}

enum Sodium {
    private static let initialised: Void = {
        precondition(sodium_init() >= 0, "libsodium could not be initialised")
    }()

    static func ready() { initialised }
}
