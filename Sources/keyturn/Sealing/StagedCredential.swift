import Secrets

/// What somebody gave as a config's next credential: a line is the key; a JSON object may hold `key` and `secret`, and the non-secret
/// fields that must change with them.
struct StagedCredential: ~Copyable, Sendable {
    let key: Secret?
    let secret: Secret?
    let name: String?
    let endpoint: String?
    let aiType: String?

    private static let fields = ["key", "secret", "name", "endpoint", "aiType"]

    static func read(_ input: consuming Secret) throws(Failure) -> StagedCredential {
        let isJSON = input.withBytes { bytes in
            (0..<bytes.byteCount).first { !isSpace(bytes.byte($0)) }.map { bytes.byte($0) == UInt8(ascii: "{") } ?? false
        }
        guard isJSON else {
            return StagedCredential(key: try SecretLine.read(input), secret: nil, name: nil, endpoint: nil, aiType: nil)
        }
        return try read(json: input)
    }

    private static func read(json input: consuming Secret) throws(Failure) -> StagedCredential {
        let object: GuardedJSON
        do {
            object = try GuardedJSON(input)
        } catch {
            throw .usage("The input begins with '{' but is not a JSON object that can be read. \(advice)")
        }
        guard object.fields.allSatisfy({ fields.contains($0) }) else {
            throw .usage("The JSON has a field that is not one of \(fields.joined(separator: ", ")). \(advice)")
        }
        guard object.has("key") || object.has("secret") else {
            throw .usage("The JSON has neither a 'key' nor a 'secret'. \(advice)")
        }
        return StagedCredential(
            key: try secret("key", of: object), secret: try secret("secret", of: object), name: try text("name", of: object),
            endpoint: try text("endpoint", of: object),
            aiType: try text("aiType", of: object).map { type throws(Failure) in try Checked.aiType(type) })
    }

    private static let advice = #"Give {"key": "…"} or {"key": "…", "secret": "…"}; a key that is JSON itself goes in as a string."#

    private static func secret(_ field: String, of object: GuardedJSON) throws(Failure) -> Secret? {
        guard object.has(field) else { return nil }
        guard let value = object.secret(field), value.count > 0 else {
            throw .usage("'\(field)' must be a string with something in it. \(advice)")
        }
        return value
    }

    private static func text(_ field: String, of object: GuardedJSON) throws(Failure) -> String? {
        guard object.has(field) else { return nil }
        guard let value = object.text(field), !value.isEmpty else {
            throw .usage("'\(field)' must be a string with something in it. \(advice)")
        }
        return value
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
    }
}

/// A secret that is one line of text.
enum SecretLine {
    /// One line break at the end is dropped; what remains must be one line with something in it.
    static func read(_ input: borrowing Secret) throws(Failure) -> Secret {
        let (length, hasBreak) = input.withBytes { bytes in
            var end = bytes.byteCount
            if end > 0, bytes.byte(end - 1) == UInt8(ascii: "\n") { end -= 1 }
            if end > 0, bytes.byte(end - 1) == UInt8(ascii: "\r") { end -= 1 }
            return (
                end,
                (0..<end).contains { bytes.byte($0) == UInt8(ascii: "\n") || bytes.byte($0) == UInt8(ascii: "\r") || bytes.byte($0) == 0 }
            )
        }
        guard length > 0 else { throw .usage("The secret is empty.") }
        guard !hasBreak else {
            throw .usage(#"The secret has more than one line. Give one line, or JSON: {"key": "…", "secret": "…"}."#)
        }
        return input.slice(0..<length)
    }
}
