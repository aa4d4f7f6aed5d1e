import CSodium

/// libsodium's authenticated box (`crypto_box_easy`), `nonce ‖ tag ‖ ciphertext`: the receiver knows who sealed it, which an anonymous
/// sealed box does not tell.
extension BoxKeyPair {
    private static var nonceBytes: Int { crypto_box_noncebytes() }
    private static var overheadBytes: Int { nonceBytes + crypto_box_macbytes() }

    /// Seals to `receiver` as this pair.
    package func seal(_ plaintext: borrowing Secret, to receiver: BoxPublicKey, random: any RandomSource) -> [UInt8] {
        let nonce = random.bytes(Self.nonceBytes)
        let count = plaintext.count + Self.overheadBytes
        return [UInt8](unsafeUninitializedCapacity: count) { output, filled in
            // SAFETY: the output has room for the nonce and more; the two don't overlap.
            nonce.withUnsafeBytes { unsafe UnsafeMutableRawBufferPointer(output).copyMemory(from: $0) }
            let status = plaintext.withBytes { plain in
                secretKey.withBytes { secret in
                    // SAFETY: the output has room for nonce, tag and ciphertext; the keys have 32 bytes, the nonce 24.
                    unsafe plain.withUnsafeBytes { plain in
                        unsafe secret.withUnsafeBytes { secret in
                            unsafe crypto_box_easy(
                                output.baseAddress! + Self.nonceBytes, plain.baseAddress!.assumingMemoryBound(to: UInt8.self),
                                UInt64(plain.count), nonce, receiver.bytes, secret.baseAddress!.assumingMemoryBound(to: UInt8.self))
                        }
                    }
                }
            }
            // A public key of low order is refused: nothing comes out that could be opened.
            if status != 0 { for index in 0..<count { output[index] = 0 } }
            filled = count
        }
    }

    /// Opens what `sender` sealed to this pair.
    package func open(_ sealed: [UInt8], from sender: BoxPublicKey) throws(Cipher.Forged) -> Secret {
        guard sealed.count >= Self.overheadBytes else { throw Cipher.Forged() }
        return try Secret(count: sealed.count - Self.overheadBytes) { (output) throws(Cipher.Forged) in
            let status = secretKey.withBytes { secret in
                // SAFETY: the output has as many bytes as the plaintext; nonce, tag and keys have their fixed sizes.
                unsafe secret.withUnsafeBytes { secret in
                    unsafe sealed.withUnsafeBufferPointer { sealed in
                        unsafe crypto_box_open_easy(
                            output.baseAddress!.assumingMemoryBound(to: UInt8.self), sealed.baseAddress! + Self.nonceBytes,
                            UInt64(sealed.count - Self.nonceBytes), sealed.baseAddress!, sender.bytes,
                            secret.baseAddress!.assumingMemoryBound(to: UInt8.self))
                    }
                }
            }
            guard status == 0 else { throw Cipher.Forged() }
        }
    }
}
