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
