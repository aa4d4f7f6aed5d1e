internal import Model
internal import Secrets

/// [client] The access token is a JWT (RFC 7519), whose `exp` is to be trusted over `expiresAt`.
enum AccessToken {
    /// Real ones are a few hundred bytes.
    private static let payloadBytesMax = 16 * 1024

    /// Read in guarded memory, since the payload is a part of the token. The signature is not looked at: it is the backend's to check.
    static func expiry(_ token: borrowing Secret) -> Timestamp? {
        let payload: Secret? = token.withBytes { bytes -> Secret? in
            let dots = (0..<bytes.byteCount).filter { bytes.byte($0) == UInt8(ascii: ".") }
            guard dots.count == 2 else { return nil }
            return Base64URL.decoded(bytes.extracting((dots[0] + 1)..<dots[1]), bytesMax: payloadBytesMax)
        }
        switch consume payload {
        case .some(let payload):
            guard let json = try? GuardedJSON(payload), let seconds = json.number("exp"), (0...253_402_300_799).contains(seconds) else {
                return nil
            }
            return Timestamp(milliseconds: seconds * 1000)
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

/// `expiresAt` has no documented unit: seconds, milliseconds or RFC 3339 text, whichever gives a time that makes sense for a token.
enum ExpiresAt {
    private static let plausible = Duration.seconds(400 * 86_400)

    static func timestamp(_ json: GuardedJSON, now: Timestamp) -> Timestamp? {
        if let number = json.number("expiresAt") {
            let candidates = [number.multipliedReportingOverflow(by: 1000), (number, false)]
            return candidates.filter { !$0.1 }.map { Timestamp(milliseconds: $0.0) }.first { isPlausible($0, now) }
        }
        return json.text("expiresAt").flatMap { try? Timestamp($0) }.flatMap { isPlausible($0, now) ? $0 : nil }
    }

    private static func isPlausible(_ time: Timestamp, _ now: Timestamp) -> Bool {
        time >= now && time <= now + plausible
    }
}
