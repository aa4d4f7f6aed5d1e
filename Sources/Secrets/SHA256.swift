import CSodium

/// SHA-256, for what others have fixed to it, such as certificate pins.
package enum SHA256 {
    package static let byteCount = 32

    package static func hash(_ message: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { output, filled in
            // SAFETY: the output has 32 bytes, the message its count.
            _ = unsafe crypto_hash_sha256(output.baseAddress!, message, UInt64(message.count))
            filled = byteCount
        }
    }
}
