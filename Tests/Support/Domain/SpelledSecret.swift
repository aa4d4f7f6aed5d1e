package import Secrets

// Tests use no real secrets: here alone they are turned into text and back.
extension Secret {
    package init(spelled text: String) {
        self.init(count: text.utf8.count) { $0.copyBytes(from: text.utf8) }
    }

    package var spelled: String {
        withBytes { bytes in
            String(unsafeUninitializedCapacity: bytes.byteCount) { buffer in
                bytes.withUnsafeBytes { buffer.update(fromContentsOf: $0) }
            }
        }
    }
}

extension Credential {
    /// `key` and `secret`, one after the other.
    package var spelled: String {
        var text = ""
        switch key {
        case .some(let key): text += key.spelled
        case .none: break
        }
        switch secret {
        case .some(let secret): text += secret.spelled
        case .none: break
        }
        return text
    }
}

extension Optional where Wrapped == Credential {
    /// `nil` where there is none.
    package var spelled: String? {
        switch self {
        case .some(let credential): credential.spelled
        case .none: nil
        }
    }
}
