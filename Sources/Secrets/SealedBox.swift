import CSodium

/// An X25519 public key, to which anyone can seal a secret without being able to open it again.
package struct BoxPublicKey: Hashable, Sendable {
    package let bytes: [UInt8]

    package static let byteCount = 32

    /// `nil` unless there are 32 bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    /// Which key it is: the first 16 hex digits of its 32-byte BLAKE2b hash.
    package var id: String { Hex.text(Array(Blake2b.hash(bytes).prefix(8))) }

    /// libsodium's sealed box (`crypto_box_seal`): ephemeral public key, ciphertext, tag; 48 bytes longer than the plaintext.
    package func seal(_ plaintext: RawSpan) -> [UInt8] {
        Sodium.ready()
        let count = plaintext.byteCount + crypto_box_sealbytes()
        return [UInt8](unsafeUninitializedCapacity: count) { output, filled in
            // SAFETY: the output has SEALBYTES more than the plaintext; the key has 32 bytes.
            let status = unsafe plaintext.withUnsafeBytes { plain in
                unsafe crypto_box_seal(
                    output.baseAddress!, plain.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(plain.count), bytes)
            }
            precondition(status == 0, "sealing to a 32-byte key can't fail")
            filled = count
        }
    }
}

/// Both halves of an X25519 key pair; the secret one in guarded memory.
package struct BoxKeyPair: ~Copyable, Sendable {
    package let publicKey: BoxPublicKey
    package let secretKey: Secret

    /// Takes the secret key and computes the public one from it.
    package init(secretKey: consuming Secret) {
        precondition(secretKey.count == BoxPublicKey.byteCount, "an X25519 secret key has 32 bytes")
        var publicBytes = [UInt8](repeating: 0, count: BoxPublicKey.byteCount)
        secretKey.withBytes { secret in
            // SAFETY: both buffers have 32 bytes.
            _ = unsafe secret.withUnsafeBytes {
                unsafe crypto_scalarmult_base(&publicBytes, $0.baseAddress!.assumingMemoryBound(to: UInt8.self))
            }
        }
        publicKey = BoxPublicKey(bytes: publicBytes)!
        self.secretKey = secretKey
    }

    package init(random: any RandomSource) {
        self.init(secretKey: Secret(random: BoxPublicKey.byteCount, from: random))
    }

    package func open(_ sealed: [UInt8]) throws(Cipher.Forged) -> Secret {
        let count = sealed.count - crypto_box_sealbytes()
        guard count >= 0 else { throw Cipher.Forged() }
        return try Secret(count: count) { (output) throws(Cipher.Forged) in
            let status = secretKey.withBytes { secret in
                // SAFETY: the output has `count` bytes, an empty one a valid address from sodium_malloc; the keys 32 bytes each.
                unsafe secret.withUnsafeBytes { secret in
                    unsafe crypto_box_seal_open(
                        output.baseAddress!.assumingMemoryBound(to: UInt8.self), sealed, UInt64(sealed.count), publicKey.bytes,
                        secret.baseAddress!.assumingMemoryBound(to: UInt8.self))
                }
            }
            guard status == 0 else { throw Cipher.Forged() }
        }
    }
}
