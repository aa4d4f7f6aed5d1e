/// What a config rotates: `key`, `secret`, or both, as the fields of the PUT are called.
package struct Credential: ~Copyable, Sendable {
    package let key: Secret?
    package let secret: Secret?

    package init(key: consuming Secret?, secret: consuming Secret?) {
        self.key = key
        self.secret = secret
    }

    /// Same fields with the same bytes, compared in constant time for equal lengths.
    package func matches(_ other: borrowing Credential) -> Bool {
        Self.equal(key, other.key) && Self.equal(secret, other.secret)
    }

    private static func equal(_ one: borrowing Secret?, _ other: borrowing Secret?) -> Bool {
        switch one {
        case .some(let one):
            switch other {
            case .some(let other): one.matches(other)
            case .none: false
            }
        case .none:
            switch other {
            case .some: false
            case .none: true
            }
        }
    }

    // Layout: key length + 1 (4 bytes, little endian, 0 for none), key, the same for secret.

    /// All of it in one guarded allocation, for sealing.
    package func packed() -> Secret {
        let count = 8 + Self.length(key) + Self.length(secret)
        return Secret(count: count) { target in
            var offset = 0
            Self.write(key, into: target, at: &offset)
            Self.write(secret, into: target, at: &offset)
        }
    }

    /// `nil` when the bytes are not what `packed()` makes.
    package static func unpacked(_ packed: borrowing Secret) -> Credential? {
        packed.withBytes { bytes -> Credential? in
            var offset = 0
            guard case .some(let keyRange) = Self.range(in: bytes, at: &offset),
                case .some(let secretRange) = Self.range(in: bytes, at: &offset), offset == bytes.byteCount
            else { return nil }
            return Credential(key: Self.slice(bytes, keyRange), secret: Self.slice(bytes, secretRange))
        }
    }

    private static func length(_ field: borrowing Secret?) -> Int {
        switch field {
        case .some(let field): field.count
        case .none: 0
        }
    }

    private static func write(_ field: borrowing Secret?, into target: UnsafeMutableRawBufferPointer, at offset: inout Int) {
        var length: UInt32 = 0
        switch field {
        case .some(let field):
            length = UInt32(field.count + 1)
            field.withBytes { $0.copy(into: UnsafeMutableRawBufferPointer(rebasing: target[(offset + 4)...])) }
        case .none: break
        }
        for byte in 0..<4 { target[offset + byte] = UInt8(truncatingIfNeeded: length >> (8 * UInt32(byte))) }
        offset += 4 + Int(length == 0 ? 0 : length - 1)
    }

    /// The outer optional is "malformed", the inner "not there".
    private static func range(in bytes: RawSpan, at offset: inout Int) -> Range<Int>?? {
        guard offset + 4 <= bytes.byteCount else { return .none }
        let length = (0..<4).reduce(0) { $0 | Int(bytes.byte(offset + $1)) << (8 * $1) }
        offset += 4
        guard length > 0 else { return .some(nil) }
        let range = offset..<(offset + length - 1)
        guard range.upperBound <= bytes.byteCount else { return .none }
        offset = range.upperBound
        return .some(range)
    }

    private static func slice(_ bytes: RawSpan, _ range: Range<Int>?) -> Secret? {
        guard let range else { return nil }
        return Secret(count: range.count) { bytes.extracting(range).copy(into: $0) }
    }
}

extension Credential {
    package var hasKey: Bool { Self.isThere(key) }
    package var hasSecret: Bool { Self.isThere(secret) }

    private static func isThere(_ field: borrowing Secret?) -> Bool {
        switch field {
        case .some: true
        case .none: false
        }
    }
}
