import CSodium

/// XChaCha20-Poly1305 (IETF) with a random 24-byte nonce in front: `nonce ‖ ciphertext ‖ tag`.
package enum Cipher {
    package static let keyBytes = 32
    package static let nonceBytes = 24
    /// The end of what was sealed, which authenticates all of it.
    package static let tagBytes = 16
    /// What sealing adds to a plaintext.
    package static let overheadBytes = nonceBytes + tagBytes

    /// The bytes are not what was sealed with this key for this place.
    package struct Forged: Error {
        package init() {}
    }

    package static func seal(
        _ plaintext: RawSpan, associated: [UInt8], key: RawSpan, random: any RandomSource
    ) -> [UInt8] {
        precondition(key.byteCount == keyBytes)
        let nonce = random.bytes(nonceBytes)
        return [UInt8](unsafeUninitializedCapacity: plaintext.byteCount + overheadBytes) { output, filled in
            // SAFETY: the output has room for the nonce and more; the two don't overlap.
            nonce.withUnsafeBytes { unsafe UnsafeMutableRawBufferPointer(output).copyMemory(from: $0) }
            // SAFETY: the output has room for nonce, ciphertext and tag; all inputs are valid for their counts.
            unsafe plaintext.withUnsafeBytes { plain in
                unsafe key.withUnsafeBytes { key in
                    _ = unsafe crypto_aead_xchacha20poly1305_ietf_encrypt(
                        output.baseAddress! + nonceBytes, nil, plain.baseAddress?.assumingMemoryBound(to: UInt8.self),
                        UInt64(plain.count), associated, UInt64(associated.count), nil, nonce,
                        key.baseAddress!.assumingMemoryBound(to: UInt8.self))
                }
            }
            filled = plaintext.byteCount + overheadBytes
        }
    }

    /// Opens what holds no secret.
    package static func open(_ sealed: [UInt8], associated: [UInt8], key: RawSpan) throws(Forged) -> [UInt8] {
        guard sealed.count >= overheadBytes else { throw Forged() }
        var isGenuine = false
        let plaintext = [UInt8](unsafeUninitializedCapacity: sealed.count - overheadBytes) { output, filled in
            isGenuine = decrypt(sealed, associated: associated, key: key, into: UnsafeMutableRawBufferPointer(output))
            filled = isGenuine ? sealed.count - overheadBytes : 0
        }
        guard isGenuine else { throw Forged() }
        return plaintext
    }

    /// Opens a secret straight into guarded memory.
    package static func openSecret(_ sealed: [UInt8], associated: [UInt8], key: RawSpan) throws(Forged) -> Secret {
        guard sealed.count >= overheadBytes else { throw Forged() }
        return try Secret(count: sealed.count - overheadBytes) { (output) throws(Forged) in
            guard decrypt(sealed, associated: associated, key: key, into: output) else { throw Forged() }
        }
    }

    private static func decrypt(
        _ sealed: [UInt8], associated: [UInt8], key: RawSpan, into output: UnsafeMutableRawBufferPointer
    ) -> Bool {
        precondition(key.byteCount == keyBytes)
        // SAFETY: `output` has sealed.count - overheadBytes bytes, which is what decryption writes.
        return unsafe sealed.withUnsafeBufferPointer { sealed in
            unsafe key.withUnsafeBytes { key in
                var spare: UInt8 = 0  // an empty Secret still has an address; an empty array's buffer may not
                return withUnsafeMutablePointer(to: &spare) { spare in
                    unsafe crypto_aead_xchacha20poly1305_ietf_decrypt(
                        output.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? spare, nil, nil, sealed.baseAddress! + nonceBytes,
                        UInt64(sealed.count - nonceBytes), associated, UInt64(associated.count), sealed.baseAddress!,
                        key.baseAddress!.assumingMemoryBound(to: UInt8.self)) == 0
                }
            }
        }
    }
}
