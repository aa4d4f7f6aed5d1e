import CSodium

/// Argon2id at libsodium's "moderate" cost: 256 MiB and about a second. One at a time, and never in the daemon.
package enum PassphraseHash {
    package static let saltBytes = 16

    /// What libsodium's Argon2 leaves on the stack, the end of the passphrase and half of the key, lies within 16 KiB of where it was called.
    private static let stackBytes = 64 << 10

    /// 32 bytes; the same for the same passphrase and salt. `nil` when there is no memory for it.
    package static func key(from passphrase: borrowing Secret, salt: [UInt8]) -> Secret? {
        precondition(salt.count == saltBytes && Int(crypto_pwhash_SALTBYTES) == saltBytes)
        Sodium.ready()
        struct NoMemory: Error {}
        return try? Secret(count: 32) { (output) throws(NoMemory) in
            // SAFETY: only stack is zeroed that is in use no more; each thread has more of it.
            defer { sodium_stackzero(stackBytes) }
            let status = passphrase.withBytes { passphrase in
                // SAFETY: the output has 32 bytes, the salt 16; the passphrase is valid for its count.
                unsafe passphrase.withUnsafeBytes { passphrase in
                    unsafe crypto_pwhash(
                        output.baseAddress!.assumingMemoryBound(to: UInt8.self), 32,
                        passphrase.baseAddress!.assumingMemoryBound(to: CChar.self), UInt64(passphrase.count), salt,
                        UInt64(crypto_pwhash_opslimit_moderate()), crypto_pwhash_memlimit_moderate(), crypto_pwhash_ALG_ARGON2ID13)
                }
            }
            guard status == 0 else { throw NoMemory() }
        }
    }
}
