import Secrets
import Testing

@Suite struct `Sealing with a key` {
    private let key = [UInt8](repeating: 3, count: 32)

    @Test(arguments: [0, 1, 100, 70_000]) func `what was sealed opens, for the same place`(_ count: Int) throws {
        let plain = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let sealed = Cipher.seal(plain.span.bytes, associated: [1, 2], key: key.span.bytes, random: SystemRandom())
        #expect(sealed.count == count + Cipher.overheadBytes)
        #expect(try Cipher.open(sealed, associated: [1, 2], key: key.span.bytes) == plain)
        #expect(bytes(try Cipher.openSecret(sealed, associated: [1, 2], key: key.span.bytes)) == plain)
    }

    @Test func `nothing else opens it`() {
        let sealed = Cipher.seal([9, 9].span.bytes, associated: [1], key: key.span.bytes, random: SystemRandom())
        let otherKey = [UInt8](repeating: 4, count: 32)
        #expect(throws: Cipher.Forged.self) { try Cipher.open(sealed, associated: [2], key: key.span.bytes) }
        #expect(throws: Cipher.Forged.self) { try Cipher.open(sealed, associated: [1], key: otherKey.span.bytes) }
        #expect(throws: Cipher.Forged.self) { try Cipher.open([], associated: [1], key: key.span.bytes) }
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            #expect(throws: Cipher.Forged.self) { try Cipher.open(changed, associated: [1], key: key.span.bytes) }
            #expect(throws: Cipher.Forged.self) { _ = try Cipher.openSecret(changed, associated: [1], key: key.span.bytes) }
        }
        for count in 0..<sealed.count {
            #expect(throws: Cipher.Forged.self) { try Cipher.open(Array(sealed.prefix(count)), associated: [1], key: key.span.bytes) }
        }
    }

    @Test func `the same plaintext never looks the same`() {
        let one = Cipher.seal([1].span.bytes, associated: [], key: key.span.bytes, random: SystemRandom())
        let other = Cipher.seal([1].span.bytes, associated: [], key: key.span.bytes, random: SystemRandom())
        #expect(one != other)
    }
}

@Suite struct `Sealing for someone` {
    @Test(arguments: ["", "a secret"]) func `only the holder of the key pair opens it`(_ text: String) throws {
        let pair = BoxKeyPair(random: SystemRandom())
        let sealed = pair.publicKey.seal(Array(text.utf8).span.bytes)
        #expect(sealed.count == text.utf8.count + 48)
        #expect(bytes(try pair.open(sealed)) == Array(text.utf8))
        let other = BoxKeyPair(random: SystemRandom())
        #expect(throws: Cipher.Forged.self) { _ = try other.open(sealed) }
        #expect(throws: Cipher.Forged.self) { _ = try pair.open(Array(sealed.dropLast())) }
        #expect(throws: Cipher.Forged.self) { _ = try pair.open([]) }
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            #expect(throws: Cipher.Forged.self) { _ = try pair.open(changed) }
        }
    }

    @Test func `a key is 32 bytes, and its id is 16 hex digits`() {
        #expect(BoxPublicKey(bytes: [UInt8](repeating: 1, count: 31)) == nil)
        let key = BoxPublicKey(bytes: [UInt8](repeating: 1, count: 32))
        #expect(key?.id.count == 16)
        #expect(key?.id != BoxPublicKey(bytes: [UInt8](repeating: 2, count: 32))?.id)
    }

    @Test func `the public key follows from the secret one`() {
        let pair = BoxKeyPair(random: SystemRandom())
        #expect(BoxKeyPair(secretKey: pair.secretKey.clone()).publicKey == pair.publicKey)
    }
}

@Suite struct `Hashing` {
    @Test func `SHA-256 of abc is the published one`() {
        #expect(Hex.text(SHA256.hash(Array("abc".utf8))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test func `BLAKE2b depends on the key`() {
        let one = [UInt8](repeating: 1, count: 32)
        let other = [UInt8](repeating: 2, count: 32)
        #expect(Blake2b.hash([1], key: one.span.bytes, count: 32) != Blake2b.hash([1], key: other.span.bytes, count: 32))
        // RFC 7693 has the 64-byte hash only; this is BLAKE2b-256 of nothing.
        #expect(Hex.text(Blake2b.hash([])) == "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8")
    }
}
