internal import FoundationEssentials

/// Access tokens in the form that the official client reads: a JWT, here with a made-up signature.
enum Token {
    static var now: Int { Int(Date().timeIntervalSince1970) }

    static func access(number: Int, expiry: Int) -> String {
        let header = JSONValue.object(["alg": .string("HS256"), "typ": .string("JWT")]).text
        let payload = JSONValue.object(["sub": .string("stand-in"), "jti": .number(number), "exp": .number(expiry)]).text
        return [header, payload, "signature-\(number)"].map { Base64.urlText(Array($0.utf8)) }.joined(separator: ".")
    }
}

enum Base64 {
    static func text(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    static func urlText(_ bytes: [UInt8]) -> String {
        String(
            text(bytes).compactMap { (character: Character) -> Character? in
                switch character {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: character
                }
            })
    }
}
