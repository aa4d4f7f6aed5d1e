internal import Model
internal import Secrets

/// The body of `PUT /ai/llm/{id}`: only what is to change, never `null`, never an empty string.
enum PutBody {
    /// `nil` when there is nothing to send.
    static func make(_ credential: borrowing Credential?, field: CredentialField, fields: RemoteFields) -> Secret? {
        var object = Object()
        switch credential {
        case .some(let credential): object.add(credential, loneKeyTo: field)
        case .none: break
        }
        object.add("name", fields.name)
        object.add("endpoint", fields.endpoint)
        object.add("aiType", fields.aiType?.rawValue)
        return object.finish()
    }

    private struct Object: ~Copyable {
        private var writer = GuardedJSONWriter()
        private var isEmpty = true

        /// A lone key goes where the operator says; a lone secret is one in any case.
        mutating func add(_ credential: borrowing Credential, loneKeyTo field: CredentialField) {
            switch credential.key {
            case .some(let key):
                switch credential.secret {
                case .some(let secret):
                    add(.key, key)
                    add(.secret, secret)
                case .none: add(field, key)
                }
            case .none:
                switch credential.secret {
                case .some(let secret): add(.secret, secret)
                case .none: break
                }
            }
        }

        private mutating func add(_ field: CredentialField, _ secret: borrowing Secret) {
            guard secret.count > 0 else { return }
            switch field {
            case .key: name("key")
            case .secret: name("secret")
            }
            writer.string(secret)
        }

        mutating func add(_ name: StaticString, _ text: String?) {
            guard let text, !text.isEmpty else { return }
            self.name(name)
            writer.string(text)
        }

        private mutating func name(_ name: StaticString) {
            writer.literal(isEmpty ? "{\"" : ",\"")
            isEmpty = false
            writer.literal(name)
            writer.literal("\":")
        }

        consuming func finish() -> Secret? {
            guard !isEmpty else { return nil }
            writer.literal("}")
            return writer.finish()
        }
    }
}

/// The body of `POST /user/refresh`. The published page spells the field `refreshToken`, the official client `refresh_token`; as long as nobody
/// has seen which of them is true, both are sent: a JSON reader takes the one it knows.
enum RefreshBody {
    static func make(_ token: borrowing Secret) -> Secret {
        var writer = GuardedJSONWriter(capacity: 2 * token.count + 64)
        writer.literal(#"{"refreshToken":"#)
        writer.string(token)
        writer.literal(#","refresh_token":"#)
        writer.string(token)
        writer.literal("}")
        return writer.finish()
    }
}
