import Secrets

func secret(_ text: String) -> Secret { secret(Array(text.utf8)) }

func secret(_ bytes: [UInt8]) -> Secret {
    Secret(count: bytes.count) { $0.copyBytes(from: bytes) }
}

/// The bytes as an array: in tests, where nothing is secret.
func bytes(_ secret: borrowing Secret) -> [UInt8] {
    secret.withBytes { span in (0..<span.byteCount).map { span.byte($0) } }
}

func reveal(_ secret: consuming Secret?) -> String? {
    switch secret {
    case .some(let secret): String(decoding: bytes(secret), as: UTF8.self)
    case .none: nil
    }
}

// `#expect` can't take a noncopyable value apart, so comparisons are made in front of it.

func same(_ one: borrowing Secret, _ other: borrowing Secret) -> Bool { one.matches(other) }

func same(_ one: borrowing Credential, _ other: borrowing Credential) -> Bool { one.matches(other) }
