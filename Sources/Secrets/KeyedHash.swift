import CSodium

/// BLAKE2b (RFC 7693).
package enum Blake2b {
    /// Keyed: names turn into record keys that tell nothing to who does not hold the key.
    package static func hash(_ message: [UInt8], key: RawSpan, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { output, filled in
            // SAFETY: all buffers are valid for their counts; 16 ≤ count ≤ 64 and key ≤ 64 bytes are libsodium's own limits.
            let status = unsafe key.withUnsafeBytes { key in
                unsafe crypto_generichash(
                    output.baseAddress!, count, message, UInt64(message.count), key.baseAddress?.assumingMemoryBound(to: UInt8.self),
                    key.count)
            }
            precondition(status == 0, "BLAKE2b refused a \(count)-byte hash")
            filled = count
        }
    }

    /// 32 bytes, no key.
    package static func hash(_ message: [UInt8]) -> [UInt8] {
        hash(message, key: RawSpan(), count: 32)
    }
}

extension Secret {
    /// `crypto_kdf`: an independent 32-byte key for each context (8 ASCII characters), from a 32-byte root.
    package func derived(context: StaticString) -> Secret {
        precondition(count == Int(crypto_kdf_KEYBYTES) && context.utf8CodeUnitCount == 8)
        return withBytes { root in
            Secret(count: 32) { output in
                // SAFETY: the output has 32 bytes, the context 8, the root 32.
                unsafe root.withUnsafeBytes { root in
                    context.withUTF8Buffer { context in
                        _ = unsafe context.withMemoryRebound(to: CChar.self) { context in
                            unsafe crypto_kdf_derive_from_key(
                                output.baseAddress!.assumingMemoryBound(to: UInt8.self), 32, 1, context.baseAddress!,
                                root.baseAddress!.assumingMemoryBound(to: UInt8.self))
                        }
                    }
                }
            }
        }
    }
}
