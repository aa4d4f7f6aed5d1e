/// What a JSON Web Token (RFC 7519) says of itself.
package enum JSONWebToken {
    /// Real ones are a few hundred bytes.
    private static let payloadBytesMax = 16 * 1024
    /// The end of the year 9999.
    private static let secondsMax: Int64 = 253_402_300_799

    /// Its `exp`, in seconds since 1970; `nil` for what is no such token, or has none. Read in guarded memory, since the payload is a part
    /// of the token. The signature is not looked at: it is the issuer's to check.
    package static func expirySeconds(_ token: borrowing Secret) -> Int64? {
        let payload: Secret? = token.withBytes { bytes -> Secret? in
            let dots = (0..<bytes.byteCount).filter { bytes.byte($0) == UInt8(ascii: ".") }
            guard dots.count == 2 else { return nil }
            return Base64URL.decoded(bytes.extracting((dots[0] + 1)..<dots[1]), bytesMax: payloadBytesMax)
        }
        switch consume payload {
        case .some(let payload):
            guard let json = try? GuardedJSON(payload), let seconds = json.number("exp"), (0...secondsMax).contains(seconds) else {
                return nil
            }
            return seconds
        case .none: return nil
        }
    }
}

enum Base64URL {
    /// RFC 4648, section 5, without padding; straight into guarded memory.
    static func decoded(_ text: RawSpan, bytesMax: Int) -> Secret? {
        let count = text.byteCount * 6 / 8
        guard text.byteCount % 4 != 1, count <= bytesMax, (0..<text.byteCount).allSatisfy({ value(text.byte($0)) != nil }) else {
            return nil
        }
        return Secret(count: count) { target in
            var bits: UInt32 = 0
            var bitCount = 0
            var filled = 0
            for offset in 0..<text.byteCount {
                bits = bits << 6 | UInt32(value(text.byte(offset)) ?? 0)
                bitCount += 6
                guard bitCount >= 8 else { continue }
                bitCount -= 8
                target[filled] = UInt8(truncatingIfNeeded: bits >> UInt32(bitCount))
                filled += 1
            }
        }
    }

    private static func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
